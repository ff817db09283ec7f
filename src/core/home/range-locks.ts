import type { NodeId } from "../units.js";

export type RangeLockType = "shared" | "exclusive";

/** Bytes [start, end); Infinity for "to the end, however far the file goes". */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** Who holds or wants a lock: a process, or an open file description, of one node. */
export interface LockOwner {
  readonly node: NodeId;
  /** As the node's kernel names it. */
  readonly owner: string;
}

export interface RangeLock extends ByteRange, LockOwner {
  readonly type: RangeLockType;
  /** Process id on its node, for those who ask. */
  readonly pid: number;
}

interface Waiter extends RangeLock {
  readonly request: number;
}

/** Called for a request that had to wait, when it has its lock. */
export type OnRangeLocked = (node: NodeId, request: number) => void;
export type RangeLockAnswer = "granted" | "waits" | "refused" | "deadlock";

/** The tables among which a deadlock may run: all of one home. */
export interface LockTables {
  readonly tables: Iterable<RangeLocks>;
}

/**
 * One file's locks as POSIX has them (fcntl, `struct flock`): an owner's ranges never overlap, so that setting one replaces,
 * splits or joins what the owner had there. A lock that is given up goes to who has waited longest for it, not to who asks
 * next.
 */
export class RangeLocks {
  readonly #onLocked: OnRangeLocked;
  readonly #all: LockTables;
  #held: RangeLock[] = [];
  #waiters: Waiter[] = [];

  constructor(all: LockTables, onLocked: OnRangeLocked) {
    this.#all = all;
    this.#onLocked = onLocked;
  }

  get heldCount(): number {
    return this.#held.length;
  }

  get waitingCount(): number {
    return this.#waiters.length;
  }

  get held(): readonly RangeLock[] {
    return this.#held;
  }

  /** `request` names it for `cancel` and `onLocked`, if it waits. */
  lock(lock: RangeLock, request: number, wait: boolean): RangeLockAnswer {
    if (this.conflict(lock) === undefined) {
      this.#put(lock, lock.type);
      this.#pump(); // An exclusive lock made shared lets others in.
      return "granted";
    }
    if (!wait) return "refused";
    if (this.#isDeadlock(lock)) return "deadlock";
    this.#waiters.push({ ...lock, request });
    return "waits";
  }

  unlock(range: ByteRange & LockOwner): void {
    this.#put(range, undefined);
    this.#pump();
  }

  /** The first lock of another owner that stands against this one. */
  conflict(lock: RangeLock): RangeLock | undefined {
    return this.#held.find((held) => conflicts(held, lock));
  }

  /** Takes back a request that waits. @returns false when it does not. */
  cancel(node: NodeId, request: number): boolean {
    const before = this.#waiters.length;
    this.#waiters = this.#waiters.filter((waiter) => waiter.node !== node || waiter.request !== request);
    return this.#waiters.length < before;
  }

  /** Everything of one owner. */
  releaseOwner({ node, owner }: LockOwner): void {
    const isOther = (lock: RangeLock) => lock.node !== node || lock.owner !== owner;
    this.#held = this.#held.filter(isOther);
    this.#waiters = this.#waiters.filter(isOther);
    this.#pump();
  }

  /** The node has lost its connection: what it waits for it will ask again. */
  cancelNode(node: NodeId): void {
    this.#waiters = this.#waiters.filter((waiter) => waiter.node !== node);
  }

  /** The node is gone. */
  releaseNode(node: NodeId): void {
    this.cancelNode(node);
    this.#held = this.#held.filter((held) => held.node !== node);
    this.#pump();
  }

  /** A node that is back says all that it holds: that, and nothing else, is its. @returns what others have by now. */
  claim(node: NodeId, locks: readonly RangeLock[]): RangeLock[] {
    this.#held = this.#held.filter((held) => held.node !== node);
    const lost = locks.filter((lock) => this.conflict(lock) !== undefined);
    for (const lock of locks) if (!lost.includes(lock)) this.#put(lock, lock.type);
    this.#pump();
    return lost;
  }

  /** Owners who hold what this owner waits for, here. */
  *blockersOf({ node, owner }: LockOwner): Generator<LockOwner> {
    for (const waiter of this.#waiters) {
      if (waiter.node !== node || waiter.owner !== owner) continue;
      for (const held of this.#held) if (conflicts(held, waiter)) yield held;
    }
  }

  /** Whether waiting for this lock would close a circle of owners, each waiting for the next. */
  #isDeadlock(lock: RangeLock): boolean {
    const seen = new Set<string>();
    const open: LockOwner[] = this.#held.filter((held) => conflicts(held, lock));
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (next.node === lock.node && next.owner === lock.owner) return true;
      const key = `${next.node} ${next.owner}`;
      if (seen.has(key)) continue;
      seen.add(key);
      for (const table of this.#all.tables) open.push(...table.blockersOf(next));
    }
    return false;
  }

  /** Grants in the order of arrival whatever nobody holds any more. */
  #pump(): void {
    for (let index = 0; index < this.#waiters.length; ) {
      const waiter = this.#waiters[index];
      if (this.conflict(waiter) !== undefined) {
        index++;
        continue;
      }
      this.#waiters.splice(index, 1);
      const { request, ...lock } = waiter;
      this.#put(lock, lock.type);
      this.#onLocked(waiter.node, request);
      index = 0; // An upgrade or a downgrade may have let somebody earlier in.
    }
  }

  /** Replaces what the owner has in the range. */
  #put(range: ByteRange & LockOwner & { readonly pid?: number }, type: RangeLockType | undefined): void {
    const { node, owner, pid = 0 } = range;
    let { start, end } = range;
    const kept: RangeLock[] = [];
    for (const held of this.#held) {
      const isOwn = held.node === node && held.owner === owner;
      if (!isOwn || held.end < start || held.start > end) {
        kept.push(held);
      } else if (held.type === type) {
        [start, end] = [Math.min(start, held.start), Math.max(end, held.end)]; // Joined, neighbours too.
      } else {
        if (held.start < range.start) kept.push({ ...held, end: Math.min(held.end, range.start) });
        if (held.end > range.end) kept.push({ ...held, start: Math.max(held.start, range.end) });
      }
    }
    if (type !== undefined) kept.push({ node, owner, pid, type, start, end });
    this.#held = kept;
  }
}

function conflicts(held: RangeLock, asked: RangeLock): boolean {
  if (held.node === asked.node && held.owner === asked.owner) return false;
  if (held.type === "shared" && asked.type === "shared") return false;
  return held.start < asked.end && asked.start < held.end;
}
