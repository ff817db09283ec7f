import type { NodeId } from "../units.js";

export type LockMode = "shared" | "exclusive";
export type LockAnswer = "granted" | "waits" | "refused";

/** Called for every lock that is given, at once or after a wait. */
export type OnLocked = (owner: NodeId, request: number, lock: number) => void;

interface LockRange {
  readonly owner: NodeId;
  readonly mode: LockMode;
  readonly start: number;
  /** First byte behind the range; Infinity for "to the end, however far it goes". */
  readonly end: number;
}

interface HeldLock extends LockRange {
  readonly lock: number;
  /** Its node has come back and said that it holds it. */
  isClaimed: boolean;
}

interface LockWaiter extends LockRange {
  readonly request: number;
}

/**
 * One file's advisory locks on byte ranges (R16). Each lock stands for itself, whoever owns it: two exclusive locks of
 * one node exclude each other as those of two nodes do, as with open-file-description locks.
 *
 * First come, first served: a request waits behind every earlier one that it conflicts with, so a stream of readers
 * never starves a writer. A lock costs a walk over the others, which are few.
 */
export class LockTable {
  readonly #onLocked: OnLocked;
  readonly #held: HeldLock[] = [];
  readonly #queue: LockWaiter[] = [];
  #lastLock = 0;

  constructor(onLocked: OnLocked) {
    this.#onLocked = onLocked;
  }

  get heldCount(): number {
    return this.#held.length;
  }

  get waitingCount(): number {
    return this.#queue.length;
  }

  /** Asks for [start, start + length); length 0 reaches to the end, however far the file goes. */
  lock(owner: NodeId, request: number, start: number, length: number, mode: LockMode, wait: boolean): LockAnswer {
    const waiter: LockWaiter = { owner, request, mode, start, end: endOf(start, length) };
    if (this.#mayHold(waiter, this.#queue.length)) {
      this.#hold(waiter);
      return "granted";
    }
    if (!wait) return "refused";
    this.#queue.push(waiter);
    return "waits";
  }

  /** @returns false when this owner has no such lock. */
  unlock(owner: NodeId, lock: number): boolean {
    const index = this.#held.findIndex((held) => held.lock === lock && held.owner === owner);
    if (index < 0) return false;
    this.#held.splice(index, 1);
    this.#pump();
    return true;
  }

  /** Takes back a request that still waits. @returns false when it does not: it was granted, or never made. */
  cancel(owner: NodeId, request: number): boolean {
    const index = this.#queue.findIndex((waiter) => waiter.request === request && waiter.owner === owner);
    if (index < 0) return false;
    this.#queue.splice(index, 1);
    this.#pump();
    return true;
  }

  /** The node has lost its connection: what it waits for it will ask again; what it holds it keeps. */
  cancelOwner(owner: NodeId): void {
    removeWhere(this.#queue, (waiter) => waiter.owner === owner);
    this.#pump();
  }

  /**
   * A node that is back says that it holds a lock. After a restart of the home it is taken at its word, unless another
   * was faster. @returns the lock's number; null when somebody else has it.
   */
  claim(owner: NodeId, start: number, length: number, mode: LockMode, recovering: boolean): number | null {
    const claimed = { owner, mode, start, end: endOf(start, length) };
    const known = this.#held.find((held) => held.owner === owner && !held.isClaimed && isSame(held, claimed));
    if (known !== undefined) {
      known.isClaimed = true;
      return known.lock;
    }
    if (!recovering || !this.#mayHold(claimed, 0)) return null;
    const lock = ++this.#lastLock;
    this.#held.push({ ...claimed, lock, isClaimed: true });
    return lock;
  }

  /** The node has claimed all its locks: one whose grant it never heard of is free again. */
  endClaims(owner: NodeId): void {
    removeWhere(this.#held, (held) => held.owner === owner && !held.isClaimed);
    for (const held of this.#held) if (held.owner === owner) held.isClaimed = false;
    this.#pump();
  }

  /** Drops all that a node holds or waits for. @returns how many locks it held. */
  releaseOwner(owner: NodeId): number {
    const before = this.#held.length;
    removeWhere(this.#held, (held) => held.owner === owner);
    removeWhere(this.#queue, (waiter) => waiter.owner === owner);
    const released = before - this.#held.length;
    this.#pump();
    return released;
  }

  /** Grants, in the order of arrival, whatever no longer conflicts with a lock or with an earlier waiter. */
  #pump(): void {
    for (let index = 0; index < this.#queue.length; ) {
      const waiter = this.#queue[index];
      if (this.#mayHold(waiter, index)) {
        this.#queue.splice(index, 1);
        this.#hold(waiter);
      } else {
        index++;
      }
    }
  }

  #mayHold(asked: LockRange, queuedBefore: number): boolean {
    for (const held of this.#held) if (conflict(held, asked)) return false;
    for (let index = 0; index < queuedBefore; index++) if (conflict(this.#queue[index], asked)) return false;
    return true;
  }

  #hold({ owner, mode, start, end, request }: LockWaiter): void {
    const lock = ++this.#lastLock;
    this.#held.push({ owner, mode, start, end, lock, isClaimed: false });
    this.#onLocked(owner, request, lock);
  }
}

function endOf(start: number, length: number): number {
  if (!Number.isSafeInteger(start) || start < 0) throw new RangeError(`a lock starts at a byte, not at ${start}`);
  if (!Number.isSafeInteger(length) || length < 0) throw new RangeError(`a lock covers whole bytes, not ${length}`);
  if (length > Number.MAX_SAFE_INTEGER - start) throw new RangeError(`a lock ends before byte 2^53; use length 0`);
  return length === 0 ? Number.POSITIVE_INFINITY : start + length;
}

function isSame(one: LockRange, other: LockRange): boolean {
  return one.start === other.start && one.end === other.end && one.mode === other.mode;
}

function conflict(one: LockRange, other: LockRange): boolean {
  if (one.mode === "shared" && other.mode === "shared") return false;
  return one.start < other.end && other.start < one.end;
}

function removeWhere<Item>(items: Item[], gone: (item: Item) => boolean): void {
  let kept = 0;
  for (const item of items) if (!gone(item)) items[kept++] = item;
  items.length = kept;
}
