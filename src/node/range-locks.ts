import { DmmapError } from "../core/error.js";
import type { RangeLock } from "../core/home/range-locks.js";
import { FileLocks } from "../core/token/file-locks.js";
import type { ControlOperations } from "../core/wire/control.js";
import { claimedLocksMax, heldLocksMax, type LockRequest, type SetLock } from "../core/wire/tree-requests.js";
import { nowMicros } from "../kernel/clock.js";
import { Errno } from "../kernel/errno.js";
import type { HomeConnection } from "./home-connection.js";
import { type HomeRequests, isDown, takenBack } from "./home-requests.js";
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

/** Whose locks these are to itself does not matter on one node. */
const node = 0;
const ending = { wait: false, inLine: false };

/**
 * The locks that programs of this node hold: asked from the home, remembered here so that a home that restarts can be told; or
 * decided here, where the home has left that to this node (FileLocks).
 *
 * Who gives up a lock has made what it protects whole: so the home has all stores from before, and they outlive this node,
 * before anybody else can have that lock. To end one waits for the home's answer, since who is told of it by other ways may try the
 * lock at once. Not while the home is away, or this node decides: nobody gets a lock before the home has heard what was ended here.
 */
export class NodeRangeLocks {
  readonly #requests: HomeRequests;
  readonly #connection: HomeConnection;
  readonly #handOver: HandOver;
  /** Of every file on which a lock was set: the home may think that there is one still. */
  readonly #files = new Map<OpenFile, FileLocks>();

  constructor(requests: HomeRequests, connection: HomeConnection, handOver: HandOver) {
    this.#requests = requests;
    this.#connection = connection;
    this.#handOver = handOver;
  }

  /** Sets or ends a lock. */
  set(open: OpenFile, lock: AskedLock, how: LockHow, onDone: (error: DmmapError | undefined) => void): void {
    if (lock.type === "none") return this.#unlock(open, lock, onDone);
    const locks = this.#locksOf(open);
    if (locks.count >= heldLocksMax) return onDone(tooMany());
    const range = toRange(lock);
    // The home ends a flock that is to change before it looks whether the other one is to be had.
    if (lock.kind === "flock" && locks.flock.has(range, range.type)) locks.flock.unlock(range);
    const decision = locks.set(lock.kind, range, how.wait, this.#hasLease());
    if (decision === "refused") return onDone(busy());
    if (decision === "granted") {
      open.file.lockedPages.locked();
      return onDone(undefined);
    }
    if (decision === "giveBack") this.recalled(open);
    const ask = () => this.#ask(open, locks, lock, how, onDone);
    locks.whenTold(ask, () => onDone(takenBack()), how.ticket);
  }

  /** A program does not want to wait any longer. */
  cancel(ticket: number): void {
    for (const locks of this.#files.values()) if (locks.takeBack(ticket)) return;
    this.#requests.cancel(ticket);
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
      return onReply({ lock: found === undefined ? null : toRequest(open.file.frames.number, lock.kind, found) });
    }
    const ask = () =>
      this.#requests.ask({ op: "testLock", args: () => ({ ...lock, file: open.file.frames.number }), onReply, onFail });
    if (locks === undefined) ask();
    else locks.whenTold(ask, () => onFail(takenBack()));
  }

  holds(open: OpenFile, owner: string, kind: Kind): boolean {
    return this.#files.get(open)?.[kind].held.some((lock) => lock.owner === owner) === true;
  }

  /** Ends all locks of an owner. Mostly there are none, and nothing to tell anybody. */
  releaseOwner(open: OpenFile, owner: string, kind: Kind, onDone: () => void): void {
    if (!this.holds(open, owner, kind)) return onDone();
    this.#end(open, allOf(owner, kind), true, onDone);
  }

  /** As `releaseOwner`, by the home's word: what was lost with the session cannot be ended, and is DMMAP_LOST. */
  release(open: OpenFile, owner: string, kind: Kind, onDone: (error?: unknown) => void): void {
    const locks = this.#locksOf(open);
    const args = () => {
      if (this.holds(open, owner, kind)) return endOf(open, allOf(owner, kind));
      throw new DmmapError("DMMAP_LOST", "the lock was lost with this node's session, or released");
    };
    if (this.#decides(locks) && this.holds(open, owner, kind)) return this.#ended(open, allOf(owner, kind), onDone);
    const onEnded = () => {
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
    // The close of the file ends it, too.
    locks.whenTold(() => this.#requests.ask({ op: "setLock", args, onReply: onEnded, onFail }), onEnded);
  }

  /** Before the file is closed at the home, which then leaves its locks to others: calls `then` when nothing is owed. */
  settle(open: OpenFile, then: () => void): void {
    if (this.#files.get(open)?.owes === true) this.#handOver(open, true, then);
    else then();
  }

  closed(open: OpenFile): void {
    this.#files.get(open)?.takeBackAll();
    this.#files.delete(open);
  }

  onDown(): void {
    for (const locks of this.#files.values()) locks.onDown();
  }

  /** The home decides about the file's locks again. */
  recalled(open: OpenFile | undefined): void {
    if (open === undefined) return; // Being closed: that gives everything back.
    const locks = this.#locksOf(open);
    const telling = locks.giveBack();
    if (telling !== undefined) this.#tell(open, locks, telling);
  }

  /** Every lock on these files is lost. `onLost`: of this file there were any. */
  clear(files: Iterable<OpenFile>, onLost: (open: OpenFile) => void): void {
    for (const open of files) {
      const locks = this.#files.get(open);
      if (locks === undefined) continue;
      if (locks.hasAny()) onLost(open);
      locks.clear();
    }
  }

  /** Says all that is held on the file to a home that has to hear it again. `onLost`: others have some of it by now. */
  claim(open: OpenFile, onLost: () => void, then: () => void): void {
    const locks = this.#files.get(open);
    if (locks === undefined) return then();
    this.#tell(open, locks, locks.tell(), onLost, then);
  }

  /** Hands over what is owed, and then tells the home what is held; unless the connection is lost meanwhile. */
  #tell(open: OpenFile, locks: FileLocks, telling: object, onLost = () => {}, then = () => {}): void {
    this.settle(open, () => {
      if (!locks.isTelling(telling)) return;
      this.#claim(open, locks, onLost, () => {
        locks.told();
        then();
      });
    });
  }

  /**
   * Says what is held just now, each part when the home has the one before; `then` goes behind the last. What ends meanwhile is
   * said behind that, and nothing is added before.
   */
  #claim({ file: { frames } }: OpenFile, held: FileLocks, onLost: () => void, then: () => void): void {
    const { number } = frames;
    const locks = kinds.flatMap((kind) => held[kind].held.map((lock) => toRequest(number, kind, lock)));
    const send = (start: number) => {
      const end = start + claimedLocksMax;
      const more = end < locks.length;
      this.#connection.request(
        "claimLocks",
        { file: number, locks: locks.slice(start, end), more },
        (answer, error) => {
          if (isDown(error)) return; // Claimed again then, from the first part on.
          if (more) return send(end);
          const { lost = [] } = (answer ?? {}) as Partial<ControlOperations["claimLocks"]["reply"]>; // None: closed there.
          for (const index of lost) held[locks[index].kind].unlock(toRange(locks[index]));
          if (lost.length > 0) onLost();
        },
      );
      if (!more) then();
    };
    send(0);
  }

  #unlock(open: OpenFile, lock: AskedLock, onDone: (error: undefined) => void): void {
    const held = this.#files.get(open)?.[lock.kind];
    const range = toRange(lock);
    if (held === undefined || !held.has(range)) return onDone(undefined);
    const isExclusive = held.has(range, "shared"); // Any of another type than that.
    this.#end(open, lock, isExclusive, () => onDone(undefined));
  }

  /** `stores`: the lock protected some, which are handed over, now or when another node may have the lock. */
  #end(open: OpenFile, lock: AskedLock, stores: boolean, onDone: () => void): void {
    const locks = this.#locksOf(open);
    const mayOwe = this.#decides(locks) || !this.#connection.isUp;
    if (stores && mayOwe) locks.owe();
    this.#handOver(open, stores && !mayOwe, () => this.#ended(open, lock, onDone));
  }

  /** What is to be stored elsewhere before has been sent, the pages that go with the lock are free to go. */
  #ended(open: OpenFile, lock: AskedLock, onDone: () => void): void {
    const locks = this.#locksOf(open);
    locks[lock.kind].unlock(toRange(lock));
    open.file.lockedPages.unlocked(!locks.isHeldBesides());
    if (this.#decides(locks)) return onDone();
    locks.asked(); // Nothing is decided here before it is answered.
    const onClosed = () => {
      locks.answered();
      onDone();
    };
    locks.whenTold(() => this.#askEnd(open, locks, lock, onDone), onClosed);
  }

  /** `onDone` is called once: when the home has heard it, or cannot be reached and will hear it before anything else. */
  #askEnd(open: OpenFile, locks: FileLocks, lock: AskedLock, onDone: () => void): void {
    let isDone = false;
    const onDown = () => {
      if (!isDone) onDone();
      isDone = true;
    };
    const onAnswer = () => {
      locks.answered();
      onDown();
    };
    this.#requests.ask({ op: "setLock", args: () => endOf(open, lock), onReply: onAnswer, onFail: onAnswer, onDown });
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

function busy(): DmmapError {
  return new DmmapError("DMMAP_BUSY", "another owner has a lock there", { errno: Errno.EAGAIN });
}

function tooMany(): DmmapError {
  const message = `this node holds ${heldLocksMax} locks on the file, and may hold no more`;
  return new DmmapError("DMMAP_BUSY", message, { errno: Errno.ENOLCK });
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
  return { file: file.frames.number, owner, kind, start, end, type, pid, wait, inLine, pages };
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
