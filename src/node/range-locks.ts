import { DmmapError } from "../core/error.js";
import { LockWaits } from "../core/home/lock-waits.js";
import { type RangeLock, type RangeLockHow, RangeLocks } from "../core/home/range-locks.js";
import type { ControlOperations } from "../core/wire/control.js";
import type { LockRequest, SetLock } from "../core/wire/tree-requests.js";
import type { HomeConnection } from "./home-connection.js";
import type { HomeRequests } from "./home-requests.js";
import type { OpenFile } from "./open-files.js";

type Kind = LockRequest["kind"];
type Held = Readonly<Record<Kind, RangeLocks>>;
const kinds: readonly Kind[] = ["posix", "flock"];

export type AskedLock = Omit<LockRequest, "file">;

export interface LockHow {
  readonly wait: boolean;
  /** See `setLock`. */
  readonly inLine: boolean;
  /** Names a request that waits, for `HomeRequests.cancel`. */
  readonly ticket: number;
}

/** `stores`: also all stores so far; else only the pages that go with the lock leave the cache above. See `Node.handOver`. */
type HandOver = (open: OpenFile, stores: boolean, then: () => void) => void;

const atOnce: RangeLockHow = { wait: false, inLine: false, deadlocks: false };

/** Whose locks these are to itself does not matter on one node. */
const node = 0;

/**
 * The locks that programs of this node hold: asked from the home, remembered here so that a home that restarts can be told.
 *
 * Who gives up a lock has made what it protects whole: so the home has all stores from before, and they outlive this node.
 * To end one waits for the home's answer, since who is told of it by other ways may try the lock at once. Not while the home
 * is away: nobody gets a lock there before it has heard what was ended here.
 */
export class NodeRangeLocks {
  readonly #requests: HomeRequests;
  readonly #handOver: HandOver;
  /** Of every file on which a lock was set: the home may think that there is one still. */
  readonly #held = new Map<OpenFile, Held>();

  constructor(requests: HomeRequests, handOver: HandOver) {
    this.#requests = requests;
    this.#handOver = handOver;
  }

  /** Sets or ends a lock. */
  set(open: OpenFile, lock: AskedLock, how: LockHow, onDone: (error: DmmapError | undefined) => void): void {
    if (lock.type === "none") return this.#unlock(open, lock, onDone);
    const { ticket } = how;
    const held = this.#heldOf(open)[lock.kind];
    // The home ends a flock that is to change before it looks whether the other one is to be had.
    if (lock.kind === "flock" && held.has(toRange(lock), toRange(lock).type)) held.unlock(toRange(lock));
    this.#requests.ask({
      op: "setLock",
      args: () => toSet(open, lock, lock.type, how, open.file.lockedPages.wanted()),
      onReply: () => {
        this.#heldOf(open)[lock.kind].lock(toRange(lock), 0, atOnce);
        open.file.lockedPages.locked();
        onDone(undefined);
      },
      onFail: (error) => onDone(error as DmmapError),
      ticket,
    });
  }

  /** The lock that stands against this one, if any. */
  test(open: OpenFile, lock: AskedLock, onReply: (answer: object) => void, onFail: (error: unknown) => void): void {
    this.#requests.ask({ op: "testLock", args: () => ({ ...lock, file: open.file.number }), onReply, onFail });
  }

  holds(open: OpenFile, owner: string, kind: Kind): boolean {
    return this.#held.get(open)?.[kind].held.some((lock) => lock.owner === owner) === true;
  }

  /** Ends all locks of an owner. Mostly there are none, and nothing to tell anybody. */
  releaseOwner(open: OpenFile, owner: string, kind: Kind, onDone: () => void): void {
    if (!this.holds(open, owner, kind)) return onDone();
    this.#handOver(open, true, () => {
      this.#heldOf(open)[kind].releaseOwner({ node, owner });
      this.#giveBackPages(open);
      this.#tell(() => endOf(open, allOf(owner, kind)), onDone);
    });
  }

  /** As `releaseOwner`, by the home's word: what was lost with the session cannot be ended, and is DMMAP_LOST. */
  release(open: OpenFile, owner: string, kind: Kind, onDone: (error?: unknown) => void): void {
    const args = () => {
      if (this.holds(open, owner, kind)) return endOf(open, allOf(owner, kind));
      throw new DmmapError("DMMAP_LOST", "the lock was lost with this node's session, or released");
    };
    const onReply = () => {
      this.#held.get(open)?.[kind].releaseOwner({ node, owner });
      onDone();
    };
    this.#giveBackPages(open, owner);
    this.#requests.ask({ op: "setLock", args, onReply, onFail: onDone });
  }

  closed(open: OpenFile): void {
    this.#held.delete(open);
  }

  /** The session is lost, and with it every lock. `onLost`: of this file there were any. */
  clear(onLost: (open: OpenFile) => void): void {
    for (const [open, held] of this.#held) if (kinds.some((kind) => held[kind].held.length > 0)) onLost(open);
    this.#held.clear();
  }

  /** Says all that is held on the file to a home that has to hear it again. `onLost`: others have some of it by now. */
  claim(open: OpenFile, number: number, connection: HomeConnection, onLost: () => void): void {
    const held = this.#held.get(open);
    if (held === undefined) return;
    const locks = kinds.flatMap((kind) => held[kind].held.map((lock) => toRequest(number, kind, lock)));
    connection.request("claimLocks", { file: number, locks }, (answer) => {
      if (answer === undefined) return; // Down once more: claimed again then.
      const { lost } = answer as ControlOperations["claimLocks"]["reply"];
      for (const index of lost) held[locks[index].kind].unlock(toRange(locks[index]));
      if (lost.length > 0) onLost();
    });
  }

  #unlock(open: OpenFile, lock: AskedLock, onDone: (error: undefined) => void): void {
    const held = this.#held.get(open)?.[lock.kind];
    const range = toRange(lock);
    if (held === undefined || !held.has(range)) return onDone(undefined);
    const unlock = () => {
      held.unlock(range);
      this.#giveBackPages(open);
      this.#tell(
        () => endOf(open, lock),
        () => onDone(undefined),
      );
    };
    const isExclusive = held.has(range, "shared"); // Any of another type than that.
    this.#handOver(open, isExclusive, unlock);
  }

  /** Before the home hears of the unlock; `owner`: who ends all that it holds. */
  #giveBackPages(open: OpenFile, owner?: string): void {
    const held = this.#held.get(open);
    const isLast = kinds.every((kind) => held?.[kind].held.every((lock) => lock.owner === owner) ?? true);
    open.file.lockedPages.unlocked(isLast);
  }

  /** `onDone` is called once: when the home has heard it, or cannot be reached and will hear it before anything else. */
  #tell(args: () => SetLock, onDone: () => void): void {
    let isDone = false;
    const end = () => {
      if (!isDone) onDone();
      isDone = true;
    };
    this.#requests.ask({ op: "setLock", args, onReply: end, onFail: end, onDown: end });
  }

  #heldOf(open: OpenFile): Held {
    const held = this.#held.get(open) ?? { posix: alone(), flock: alone() };
    this.#held.set(open, held);
    return held;
  }
}

/** Everything in it has been granted by the home, so nothing waits. */
function alone(): RangeLocks {
  return new RangeLocks(new LockWaits(), () => undefined);
}

function endOf(open: OpenFile, lock: AskedLock): SetLock {
  return toSet(open, lock, "none", atOnce, []);
}

/** Written out: a literal with a spread in it, and more behind that, takes V8 a walk over its hidden classes each time. */
function toSet(
  { file }: OpenFile,
  { owner, kind, start, end, pid }: AskedLock,
  type: LockRequest["type"],
  { wait, inLine }: Pick<LockHow, "wait" | "inLine">,
  pages: SetLock["pages"],
): SetLock {
  return { file: file.number, owner, kind, start, end, type, pid, wait, inLine, pages };
}

function allOf(owner: string, kind: Kind): AskedLock {
  return { owner, kind, start: 0, end: null, type: "none", pid: 0 };
}

function toRange({ owner, pid, start, end, type }: AskedLock): RangeLock {
  return {
    node,
    owner,
    pid,
    start,
    end: end ?? Number.POSITIVE_INFINITY,
    type: type === "shared" ? type : "exclusive",
  };
}

function toRequest(file: number, kind: Kind, { owner, pid, start, end, type }: RangeLock): LockRequest {
  return { file, kind, owner, pid, start, end: end === Number.POSITIVE_INFINITY ? null : end, type };
}
