import type { Micros } from "../core/units.js";
import { nowMicros } from "../kernel/clock.js";
import type { Pager } from "../mapping/pager.js";
import { ProbeQuestion } from "./probe-question.js";
import { type Probe, Prober } from "./prober.js";
import { GetattrFlag, rootId } from "./protocol.js";
import type { Request } from "./request.js";

/** A probe that takes longer waits for a program's write, or a sync: that may take long, and others want their sizes. */
const stuckMicros = 5000;
/** For how long a prober keeps files open that it has asked for: as long, they keep the mount busy. */
const keepMicros = 10_000;
/** Threads at most. */
const probersMax = 4;
/** What OPEN answers to a prober; programs' handles count up from 1. */
export const proberHandle = 0;

/**
 * Brings sizes and names home to the kernel: a thread asks for them on this very mount. Needs the right to open by handle, which
 * root has; without it the kernel is left to ask by itself, and programs write past its cache: see KernelSizes, MovedFolders.
 */
export class Probes {
  readonly #pager: Pager;
  readonly #mountPoint: string;
  readonly #wakeAt: (deadline: Micros) => void;
  readonly #probers: Prober[] = [];
  readonly #queue: Probe[] = [];
  /** Whether the kernel can be asked at all. */
  isAble = false;

  constructor(pager: Pager, mountPoint: string, wakeAt: (deadline: Micros) => void) {
    this.#pager = pager;
    this.#mountPoint = mountPoint;
    this.#wakeAt = wakeAt;
    this.#add();
  }

  /** Finds out whether the kernel can be asked, once it is mounted. */
  try(then: () => void): void {
    const onDone = (seenBytes: number) => {
      this.isAble = seenBytes >= 0;
      then();
    };
    this.probe({ node: rootId, delayMillis: 0, question: ProbeQuestion.try, keepsFile: false, onDone });
  }

  probe(probe: Probe): void {
    this.#queue.push(probe);
    this.#runNext();
  }

  /** Whether a prober asks this: OPEN and what belongs to it want an answer at once, and so does a GETATTR. */
  isProber({ thread }: { readonly thread: number }): boolean {
    return this.#of(thread) !== undefined;
  }

  /** Whether this GETATTR brings the size home: the kernel asks for one in order to open the file as well. */
  isQuestion(request: Request): boolean {
    const question = this.#of(request.thread)?.running?.question;
    if (question !== ProbeQuestion.askLocked) return question === ProbeQuestion.ask;
    return (request.u32(0) & GetattrFlag.handle) !== 0 && request.u64(8) === proberHandle;
  }

  /** Nothing that a prober keeps open shall keep the mount busy: the last program may have closed its file. */
  letGo(): void {
    for (const prober of this.#probers) prober.letGo();
  }

  /** @returns when to look again. */
  look(now: Micros): Micros {
    return Math.min(this.#lookAtKept(now), this.#lookAtStuck(now));
  }

  #lookAtKept(now: Micros): Micros {
    let next = Number.POSITIVE_INFINITY;
    for (const prober of this.#probers) {
      if (!prober.keepsFiles || prober.running !== undefined) continue;
      const letGoAt = prober.since + keepMicros;
      if (now < letGoAt) next = Math.min(next, letGoAt);
      else prober.letGo();
    }
    return next;
  }

  #lookAtStuck(now: Micros): Micros {
    const isStarting = this.#probers.some(({ thread }) => thread === 0); // It says so when it runs.
    if (this.#queue.length === 0 || this.#probers.length === probersMax || isStarting) return Number.POSITIVE_INFINITY;
    if (this.#probers.some(({ isIdle }) => isIdle)) {
      this.#runNext(); // It runs since just now, and its bell has not been heard yet.
      return Number.POSITIVE_INFINITY;
    }
    const stuckAt = Math.max(...this.#probers.map(({ since }) => since)) + stuckMicros;
    if (now < stuckAt) return stuckAt;
    this.#add();
    this.#runNext();
    return Number.POSITIVE_INFINITY;
  }

  stop(): void {
    for (const prober of this.#probers) prober.stop();
  }

  #of(thread: number): Prober | undefined {
    return thread === 0 ? undefined : this.#probers.find((prober) => prober.thread === thread);
  }

  #add(): void {
    this.#probers.push(new Prober(this.#pager, this.#mountPoint, () => this.#runNext()));
  }

  #runNext(): void {
    for (const prober of this.#probers) {
      if (this.#queue.length === 0) return;
      if (prober.isIdle) prober.run(this.#queue.shift() as Probe, nowMicros());
    }
    const now = nowMicros();
    if (this.#queue.length > 0 && this.#probers.length < probersMax) this.#wakeAt(now + stuckMicros);
    else if (this.#probers.some(({ keepsFiles }) => keepsFiles)) this.#wakeAt(now + keepMicros);
  }
}
