import type { NodeId } from "../units.js";
import type { WantedPages } from "../wire/lock-frame.js";
import type { LockOwner, LockWait, LockWaits } from "./lock-waits.js";

export type RangeLockType = "shared" | "exclusive";

/** Bytes [start, end); Infinity for "to the end, however far the file goes". */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

export interface RangeLock extends ByteRange, LockOwner {
  readonly type: RangeLockType;
  /** Process id on its node, for those who ask. */
  readonly pid: number;
}

export interface RangeLockHow {
  /** Rather than be refused. */
  readonly wait: boolean;
  /** Behind everybody who came earlier and waits for what conflicts with it. Else who waits may be passed, as by fcntl. */
  readonly inLine: boolean;
  /** Whether to look for a circle of owners, each waiting for the next, before it waits. */
  readonly deadlocks: boolean;
  /** What its node will want with it. */
  readonly pages?: readonly WantedPages[];
}

interface Waiter extends RangeLock, LockWait {
  readonly request: number;
  readonly inLine: boolean;
  readonly pages: readonly WantedPages[];
}

/** Called for a request that had to wait, when it has its lock. */
export type OnRangeLocked = (node: NodeId, request: number, pages: readonly WantedPages[]) => void;
export type RangeLockAnswer = "granted" | "waits" | "refused" | "deadlock";

/**
 * One file's locks as POSIX has them (fcntl, `struct flock`): an owner's ranges never overlap, so that setting one replaces,
 * splits or joins what the owner had there. A lock that is given up goes to who has waited longest for it.
 *
 * A reader passes a writer that waits, as on Linux, where a program may well read-lock twice. Who asks `inLine` does not: an
 * owner of one lock can wait for nobody who waits for it. A lock costs a walk over the others, which are few.
 */
export class RangeLocks {
  readonly #onLocked: OnRangeLocked;
  readonly #waits: LockWaits;
  #held: RangeLock[] = [];
  #waiters: Waiter[] = [];

  constructor(waits: LockWaits, onLocked: OnRangeLocked) {
    this.#waits = waits;
    this.#onLocked = onLocked;
  }

  get waitingCount(): number {
    return this.#waiters.length;
  }

  /** The requests of a node that wait. */
  waitingOf(node: NodeId): number[] {
    return this.#waiters.filter((waiter) => waiter.node === node).map(({ request }) => request);
  }

  get held(): readonly RangeLock[] {
    return this.#held;
  }

  /** `request` names it for `cancel` and `onLocked`, if it waits. */
  lock(lock: RangeLock, request: number, { wait, inLine, deadlocks, pages = [] }: RangeLockHow): RangeLockAnswer {
    if (this.#mayHold(lock, inLine, this.#waiters.length)) {
      this.#put(lock, lock.type);
      this.#pump(); // An exclusive lock made shared lets others in.
      return "granted";
    }
    if (!wait) return "refused";
    if (deadlocks && this.#waits.leadTo(lock, this.#blockersOf(lock))) return "deadlock";
    const { node, owner, pid, type, start, end } = lock;
    const blockers = () => this.#blockersOf(lock);
    const waiter: Waiter = { node, owner, pid, type, start, end, request, inLine, pages, blockers };
    this.#waiters.push(waiter);
    this.#waits.add(waiter);
    return "waits";
  }

  /** By another's word, who decides: also while one is still listed here that is in its way, and has ended there before. */
  take(lock: RangeLock): void {
    this.#put(lock, lock.type);
  }

  unlock(range: ByteRange & LockOwner): void {
    this.#put(range, undefined);
    this.#pump();
  }

  /** The first lock of another owner that stands against this one. */
  conflict(lock: RangeLock): RangeLock | undefined {
    return this.#held.find((held) => conflicts(held, lock));
  }

  /** Whether this owner has any lock in the range, or any of another type than `except`. */
  has({ start, end, node, owner }: ByteRange & LockOwner, except?: RangeLockType): boolean {
    const isOwn = (held: RangeLock) => held.node === node && held.owner === owner && held.type !== except;
    return this.#held.some((held) => isOwn(held) && held.start < end && start < held.end);
  }

  /** Takes back a request that waits. @returns false when it does not. */
  cancel(node: NodeId, request: number): boolean {
    return this.#dropWaiters((waiter) => waiter.node === node && waiter.request === request);
  }

  /** Everything that one owner holds. What it still waits for, another thread of it does. */
  releaseOwner({ node, owner }: LockOwner): void {
    this.#held = this.#held.filter((held) => held.node !== node || held.owner !== owner);
    this.#pump();
  }

  /** The node has lost its connection: what it waits for it will ask again. */
  cancelNode(node: NodeId): void {
    this.#dropWaiters((waiter) => waiter.node === node);
  }

  /** The node is gone. */
  releaseNode(node: NodeId): void {
    this.#held = this.#held.filter((held) => held.node !== node);
    this.#dropWaiters((waiter) => waiter.node === node);
    this.#pump();
  }

  /**
   * A node that is back says all that it holds: that, and nothing else, is its. Two owners of it may be in each other's way there:
   * one has been given what the other has ended, and the connection took the answer to that with it.
   *
   * @returns what of it others have by now: indices
   */
  claim(node: NodeId, locks: readonly RangeLock[]): number[] {
    this.#held = this.#held.filter((held) => held.node !== node);
    const lost: number[] = [];
    const apart = apartOf([...this.#held, ...locks]);
    for (const [index, lock] of locks.entries()) {
      if (apart.has(lock)) this.#held.push(lock);
      else if (!this.#held.some((held) => held.node !== node && conflicts(held, lock))) this.#put(lock, lock.type);
      else lost.push(index);
    }
    this.#pump();
    return lost;
  }

  /** Grants in the order of arrival whatever may be had by now. */
  #pump(): void {
    for (let index = 0; index < this.#waiters.length; ) {
      const waiter = this.#waiters[index];
      if (!this.#mayHold(waiter, waiter.inLine, index)) {
        index++;
        continue;
      }
      this.#waiters.splice(index, 1);
      this.#waits.delete(waiter);
      this.#put(waiter, waiter.type);
      this.#onLocked(waiter.node, waiter.request, waiter.pages);
      index = 0; // An upgrade or a downgrade may have let somebody earlier in.
    }
  }

  #mayHold(lock: RangeLock, inLine: boolean, waitersBefore: number): boolean {
    if (this.conflict(lock) !== undefined) return false;
    if (!inLine) return true;
    for (let index = 0; index < waitersBefore; index++) if (conflicts(this.#waiters[index], lock)) return false;
    return true;
  }

  #blockersOf(lock: RangeLock): RangeLock[] {
    return this.#held.filter((held) => conflicts(held, lock));
  }

  /** @returns whether there were any. */
  #dropWaiters(isDropped: (waiter: Waiter) => boolean): boolean {
    const dropped = this.#waiters.filter(isDropped);
    if (dropped.length === 0) return false;
    for (const waiter of dropped) this.#waits.delete(waiter);
    this.#waiters = this.#waiters.filter((waiter) => !isDropped(waiter));
    this.#pump(); // Who stood in line behind it need not any more.
    return true;
  }

  /** Replaces what the owner has in the range. */
  #put(range: ByteRange & LockOwner & { readonly pid?: number }, type: RangeLockType | undefined): void {
    const { node, owner, pid = 0 } = range;
    let { start, end } = range;
    const isApart = (held: RangeLock) =>
      held.start > end || start > held.end || held.owner !== owner || held.node !== node;
    if (this.#held.every(isApart)) {
      if (type !== undefined) this.#held.push({ node, owner, pid, type, start, end });
      return; // Mostly so: nothing is copied.
    }
    const kept: RangeLock[] = [];
    for (const held of this.#held) {
      const isOwn = held.node === node && held.owner === owner;
      if (!isOwn || held.end < start || held.start > end) {
        kept.push(held);
      } else if (held.type === type) {
        [start, end] = [Math.min(start, held.start), Math.max(end, held.end)]; // Joined, neighbours too.
      } else {
        if (held.start < range.start) kept.push(part(held, held.start, Math.min(held.end, range.start)));
        if (held.end > range.end) kept.push(part(held, Math.max(held.start, range.end), held.end));
      }
    }
    if (type !== undefined) kept.push({ node, owner, pid, type, start, end });
    this.#held = kept;
  }
}

/** Those that neither overlap nor touch any other: so are mostly all of the thousands that a node may claim at once. */
function apartOf(locks: RangeLock[]): ReadonlySet<RangeLock> {
  const apart = new Set<RangeLock>();
  let [last, end]: [RangeLock | undefined, number] = [undefined, Number.NEGATIVE_INFINITY];
  for (const lock of locks.sort((one, other) => one.start - other.start)) {
    if (lock.start > end) apart.add(lock);
    else if (last !== undefined) apart.delete(last);
    if (lock.end >= end) [last, end] = [lock, lock.end];
  }
  return apart;
}

function part({ node, owner, pid, type }: RangeLock, start: number, end: number): RangeLock {
  return { node, owner, pid, type, start, end };
}

function conflicts(held: RangeLock, asked: RangeLock): boolean {
  if (held.start >= asked.end || asked.start >= held.end) return false; // First: to compare names costs more.
  if (held.type === "shared" && asked.type === "shared") return false;
  return held.node !== asked.node || held.owner !== asked.owner;
}
