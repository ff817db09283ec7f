import type { Micros } from "../core/units.js";
import type { Attributes } from "../core/wire/attributes.js";
import { nowMicros } from "../kernel/clock.js";
import { Errno } from "../kernel/errno.js";
import { encodeName } from "../kernel/name-bytes.js";
import type { Nodes } from "./nodes.js";
import type { Place } from "./place.js";
import { ProbeQuestion } from "./probe-question.js";
import { probedNameBytesMax } from "./prober.js";
import type { Probes } from "./probes.js";
import type { Request } from "./request.js";

/** Within so long a rename(2) that has failed asks again, however busy the machine is. */
const againMicros = 1_000_000;
/** Whoever asks may, for another reason, have the lock that the prober waits for. */
const waitMicrosMax = 1_000_000;
/** Whoever asks for the same once more seems to have it: a renameat(2) from one open folder to another. */
const lockedMicrosMax = 20_000;
/** Renames that others are at have that lock as well: so often the prober tries again. */
const againMillis = 1;
/** Threads that are kept in mind at most. */
const threadsMax = 1000;

/** Where a thread has found one. */
interface Finding {
  readonly inode: number;
  readonly at: Place;
  readonly until: Micros;
}

interface Waiting {
  readonly goOn: () => void;
  readonly until: Micros;
}

/**
 * Folders that other hosts have moved to other folders. The kernel has one entry for each folder. When it finds the folder in
 * another one, it moves that entry: for that it needs the lock of renames between folders, and of the folder where its entry is, and
 * if it cannot have them at once, it gives up with ESTALE (__d_unalias, fs/dcache.c). So does every rename(2) that finds the folder
 * which it is to move: it has that lock itself. It then lets go of its locks, asks for the folders on its way once more, and tries
 * again. By then a prober has looked both names up, without any lock: upon that of before the kernel drops its entry, if nobody
 * uses it; upon that of now it moves it.
 */
export class MovedFolders {
  readonly #nodes: Nodes;
  readonly #probes: Probes;
  readonly #wakeAt: (deadline: Micros) => void;
  /** By inode, where the kernel may have its entry still. */
  readonly #moved = new Map<number, Place>();
  /** What threads have found with their last question. */
  readonly #findings = new Map<number, Finding>();
  readonly #waiting = new Set<Waiting>();

  constructor(nodes: Nodes, probes: Probes, wakeAt: (deadline: Micros) => void) {
    this.#nodes = nodes;
    this.#probes = probes;
    this.#wakeAt = wakeAt;
  }

  /** A LOOKUP is about to be answered with this. */
  found(request: Request, at: Place, thing: Attributes): void {
    const { inode, kind } = thing;
    if (kind !== "folder" || !this.#probes.isAble || this.#probes.isProber(request)) return;
    const from = this.#nodes.placeOf(thing);
    if (from !== undefined && from.parent !== at.parent)
      this.#moved.set(inode, { parent: from.parent, name: from.name });
    if (!this.#moved.has(inode)) return;
    if (this.#findings.size >= threadsMax) this.#findings.clear();
    this.#findings.set(request.thread, { inode, at, until: nowMicros() + againMicros });
  }

  /** Calls `then` when the kernel has moved what this thread has found just now, if anything. */
  settle(request: Request, then: () => void): void {
    const finding = this.#findings.get(request.thread);
    if (finding === undefined) return then();
    this.#findings.delete(request.thread);
    const { inode, at, until } = finding;
    const folder = this.#nodes.inodeOf(request.node);
    if (folder === inode) this.#moved.delete(inode); // The thread is in it by now.
    const from = this.#moved.get(inode);
    const now = nowMicros();
    if (from === undefined || now > until) return then();
    const isLocked = folder === at.parent && request.name(0) === at.name;
    const waiting = { goOn: then, until: now + (isLocked ? lockedMicrosMax : waitMicrosMax) };
    this.#waiting.add(waiting);
    this.#wakeAt(waiting.until);
    this.#lookUp(from, 0, () => {
      if (isLocked || !this.#moved.has(inode)) this.#end(waiting); // In the latter case the kernel has forgotten all of it.
      if (this.#moved.has(inode)) this.#move(inode, at, waiting, 0);
    });
  }

  forgotten(inode: number): void {
    this.#moved.delete(inode);
  }

  /** Lets go on who has waited for too long. @returns when to look again. */
  onTime(now: Micros): Micros {
    let next = Number.POSITIVE_INFINITY;
    for (const waiting of this.#waiting) {
      if (now >= waiting.until) this.#end(waiting);
      else next = Math.min(next, waiting.until);
    }
    return next;
  }

  #move(inode: number, at: Place, waiting: Waiting, delayMillis: number): void {
    this.#lookUp(at, delayMillis, (outcome) => {
      if (outcome >= 0) this.#moved.delete(inode);
      const isAgain = outcome === -Errno.ESTALE && this.#waiting.has(waiting);
      if (isAgain) this.#move(inode, at, waiting, againMillis);
      else this.#end(waiting);
    });
  }

  #lookUp({ parent, name }: Place, delayMillis: number, onDone: (outcome: number) => void): void {
    const node = this.#nodes.idOf(parent);
    const bytes = encodeName(name);
    const canBeAsked = node !== undefined && bytes !== undefined && bytes.length <= probedNameBytesMax;
    if (!canBeAsked) return onDone(-Errno.ENOENT);
    this.#probes.probe({ node, name: bytes, question: ProbeQuestion.lookUp, delayMillis, keepsFile: false, onDone });
  }

  #end(waiting: Waiting): void {
    if (this.#waiting.delete(waiting)) waiting.goOn();
  }
}
