import { DmmapError } from "../core/error.js";
import type { RangeLock } from "../core/home/range-locks.js";
import { FileLocks } from "../core/token/file-locks.js";
import type { ControlOperations } from "../core/wire/control.js";
import type { LockRequest, SetLock } from "../core/wire/tree-requests.js";
import { nowMicros } from "../kernel/clock.js";
import { Errno } from "../kernel/errno.js";
import type { HomeConnection } from "./home-connection.js";
import type { HomeRequests } from "./home-requests.js";
import type { OpenFile } from "./open-files.js";

type Kind = LockRequest["kind"];
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

/** What locks need of their node. */
export interface LockingNode {
  readonly handOver: HandOver;
  /** The number of the last duty (R20): no store has been sent to the home behind it. */
  lastDuty(): number;
}

/** Whose locks these are to itself does not matter on one node. */
const node = 0;
const ending = { wait: false, inLine: false };

/**
 * The locks that programs of this node hold: asked from the home, remembered here so that a home that restarts can be told; or
 * decided here, where the home has left that to this node (FileLocks).
 *
 * Who gives up a lock has made what it protects whole: so the home has all stores from before, and they outlive this node.
 * To end one waits for the home's answer, since who is told of it by other ways may try the lock at once. Not while the home
 * is away: nobody gets a lock there before it has heard what was ended here.
 */
export class NodeRangeLocks {
  readonly #requests: HomeRequests;
  readonly #connection: HomeConnection;
  readonly #node: LockingNode;
  /** Of every file on which a lock was set: the home may think that there is one still. */
  readonly #files = new Map<OpenFile, FileLocks>();
  /** The home has all stores up to this one: it has answered something that was sent behind them. */
  #takenDuty = 0;

  constructor(requests: HomeRequests, connection: HomeConnection, node: LockingNode) {
    this.#requests = requests;
    this.#connection = connection;
    this.#node = node;
  }

  /** Sets or ends a lock. */
  set(open: OpenFile, lock: AskedLock, how: LockHow, onDone: (error: DmmapError | undefined) => void): void {
    if (lock.type === "none") return this.#unlock(open, lock, onDone);
    const locks = this.#locksOf(open);
    const range = toRange(lock);
    // The home ends a flock that is to change before it looks whether the other one is to be had.
    if (lock.kind === "flock" && locks.flock.has(range, range.type)) locks.flock.unlock(range);
    const decision = locks.set(lock.kind, range, how.wait, this.#hasLease());
    if (decision === "refused") return onDone(busy());
    if (decision === "giveBack") this.recalled(open);
    if (decision !== "granted") return this.#ask(open, locks, lock, how, onDone);
    open.file.lockedPages.locked();
    onDone(undefined);
  }

  #ask(
    open: OpenFile,
    locks: FileLocks,
    lock: AskedLock,
    how: LockHow,
    onDone: (error: DmmapError | undefined) => void,
  ): void {
    locks.asked();
    this.#requests.ask({
      op: "setLock",
      args: () => toSet(open, lock, lock.type, how, open.file.lockedPages.wanted()),
      onReply: (answer) => {
        locks.granted(lock.kind, toRange(lock), (answer as ControlOperations["setLock"]["reply"]).isDelegated);
        open.file.lockedPages.locked();
        onDone(undefined);
      },
      onFail: (error) => {
        locks.answered();
        onDone(error as DmmapError);
      },
      ticket: how.ticket,
    });
  }

  /** The lock that stands against this one, if any. */
  test(open: OpenFile, lock: AskedLock, onReply: (answer: object) => void, onFail: (error: unknown) => void): void {
    const locks = this.#files.get(open);
    if (locks !== undefined && this.#decides(locks)) {
      const found = locks[lock.kind].conflict(toRange(lock));
      return onReply({ lock: found === undefined ? null : toRequest(open.file.number, lock.kind, found) });
    }
    this.#requests.ask({ op: "testLock", args: () => ({ ...lock, file: open.file.number }), onReply, onFail });
  }

  holds(open: OpenFile, owner: string, kind: Kind): boolean {
    return this.#files.get(open)?.[kind].held.some((lock) => lock.owner === owner) === true;
  }

  /** Ends all locks of an owner. Mostly there are none, and nothing to tell anybody. */
  releaseOwner(open: OpenFile, owner: string, kind: Kind, onDone: () => void): void {
    if (!this.holds(open, owner, kind)) return onDone();
    this.#node.handOver(open, true, () => this.#end(open, allOf(owner, kind), true, onDone));
  }

  /** As `releaseOwner`, by the home's word: what was lost with the session cannot be ended, and is DMMAP_LOST. */
  release(open: OpenFile, owner: string, kind: Kind, onDone: (error?: unknown) => void): void {
    const locks = this.#locksOf(open);
    const args = () => {
      if (this.holds(open, owner, kind)) return endOf(open, allOf(owner, kind));
      throw new DmmapError("DMMAP_LOST", "the lock was lost with this node's session, or released");
    };
    if (this.#decides(locks) && this.holds(open, owner, kind)) {
      return this.#end(open, allOf(owner, kind), false, onDone);
    }
    const onReply = () => {
      locks.answered();
      locks[kind].releaseOwner({ node, owner });
      onDone();
    };
    const onFail = (error: unknown) => {
      locks.answered();
      onDone(error);
    };
    open.file.lockedPages.unlocked(!locks.isHeldBesides(owner));
    locks.asked();
    this.#requests.ask({ op: "setLock", args, onReply, onFail });
  }

  closed(open: OpenFile): void {
    this.#files.delete(open);
  }

  /** The connection is lost: the home may be another when it is back, which decides about everything. */
  onDown(): void {
    for (const locks of this.#files.values()) locks.giveBack();
  }

  /** The home decides about the file's locks again. It is told what is held, behind all stores of those who held more. */
  recalled(open: OpenFile | undefined): void {
    if (open === undefined) return; // Being closed: that gives everything back.
    if (this.#locksOf(open).giveBack()) this.claim(open, open.file.number, this.#connection, () => undefined);
  }

  /** The session is lost, and with it every lock. `onLost`: of this file there were any. */
  clear(onLost: (open: OpenFile) => void): void {
    for (const [open, locks] of this.#files) {
      if (locks.hasAny()) onLost(open);
      locks.clear();
    }
  }

  /** Says all that is held on the file to a home that has to hear it again. `onLost`: others have some of it by now. */
  claim(open: OpenFile, number: number, connection: HomeConnection, onLost: () => void): void {
    const held = this.#files.get(open);
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
    const held = this.#files.get(open)?.[lock.kind];
    const range = toRange(lock);
    if (held === undefined || !held.has(range)) return onDone(undefined);
    const isExclusive = held.has(range, "shared"); // Any of another type than that.
    this.#node.handOver(open, isExclusive, () => this.#end(open, lock, isExclusive, () => onDone(undefined)));
  }

  /** What is stored has been sent, the pages that go with the lock are free to go: ends it. `stores`: the home has to have those. */
  #end(open: OpenFile, lock: AskedLock, stores: boolean, onDone: () => void): void {
    const locks = this.#locksOf(open);
    locks[lock.kind].unlock(toRange(lock));
    open.file.lockedPages.unlocked(!locks.isHeldBesides());
    if (!this.#decides(locks)) return this.#tell(locks, () => endOf(open, lock), onDone);
    if (!stores || this.#node.lastDuty() === this.#takenDuty) return onDone();
    // Ends nothing at the home, which does not know what is held here: its answer says that it has the stores.
    this.#tell(undefined, () => endOf(open, nobodys), onDone);
  }

  /**
   * `onDone` is called once: when the home has heard it, or cannot be reached and will hear it before anything else. `locks`: of
   * which this is a question, so that nothing is decided here before it is answered.
   */
  #tell(locks: FileLocks | undefined, args: () => SetLock, onDone: () => void): void {
    const duty = this.#node.lastDuty();
    let isDone = false;
    const end = () => {
      if (!isDone) onDone();
      isDone = true;
    };
    const onFail = () => {
      locks?.answered();
      end();
    };
    const onReply = () => {
      this.#takenDuty = Math.max(this.#takenDuty, duty);
      onFail();
    };
    locks?.asked();
    this.#requests.ask({ op: "setLock", args, onReply, onFail, onDown: end });
  }

  #decides(locks: FileLocks): boolean {
    return locks.decides && this.#hasLease();
  }

  #hasLease(): boolean {
    return !this.#connection.hasLapsed(nowMicros());
  }

  #locksOf(open: OpenFile): FileLocks {
    let locks = this.#files.get(open);
    if (locks === undefined) {
      locks = new FileLocks();
      this.#files.set(open, locks);
    }
    return locks;
  }
}

/** Of an owner that there is not. */
const nobodys: AskedLock = { owner: "", kind: "posix", start: 0, end: 1, type: "none", pid: 0 };

function busy(): DmmapError {
  return new DmmapError("DMMAP_BUSY", "another owner has a lock there", { errno: Errno.EAGAIN });
}

function endOf(open: OpenFile, lock: AskedLock): SetLock {
  return toSet(open, lock, "none", ending, []);
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
