import { assert } from "../assert.js";
import { LockWaits } from "../home/lock-waits.js";
import { type RangeLock, type RangeLockHow, RangeLocks } from "../home/range-locks.js";

type Kind = "posix" | "flock";

const kinds: readonly Kind[] = ["posix", "flock"];
const atOnce: RangeLockHow = { wait: false, inLine: false, deadlocks: false };

/**
 * What a node does about a lock that is to be set.
 *
 * - `granted`, `refused`: decided here.
 * - `ask`: the home decides.
 * - `giveBack`: it does, once it has been told all that is held here.
 */
export type LockDecision = "granted" | "refused" | "ask" | "giveBack";

/**
 * One file's locks on one node: what its programs hold, and whether the node decides by itself (see LockDelegation). It only
 * does while it has no question out: the home would answer that by what it knew. And it never lets anybody wait: who waits for
 * whom is for the home to know, where circles of them are found.
 */
export class FileLocks {
  readonly posix = alone();
  readonly flock = alone();
  #isDelegated = false;
  #questions = 0;

  /** Whether the node decides by itself just now. */
  get decides(): boolean {
    return this.#isDelegated && this.#questions === 0;
  }

  /** Sets the lock, if that may be decided here. `mayDecide`: the lease lives. */
  set(kind: Kind, lock: RangeLock, wait: boolean, mayDecide: boolean): LockDecision {
    if (!this.decides || !mayDecide) return "ask";
    if (this[kind].lock(lock, 0, atOnce) === "granted") return "granted";
    return wait ? "giveBack" : "refused";
  }

  /** The home is asked to set or end a lock. */
  asked(): void {
    this.#questions++;
  }

  /** It has answered. */
  answered(): void {
    this.#questions--;
    assert(this.#questions >= 0, "each question is answered once");
  }

  /** It has granted a lock. `isDelegated`: and leaves the next decisions to this node. */
  granted(kind: Kind, lock: RangeLock, isDelegated = false): void {
    this.answered();
    this[kind].lock(lock, 0, atOnce);
    this.#isDelegated ||= isDelegated;
  }

  /**
   * The home decides again, once it has been told all that is held here: it asks for that, or this node does not want to
   * decide. Not twice: 1. The node gives the decision back, and asks for a lock. 2. The home has asked it back before it heard
   * that; then it grants the lock. 3. The node hears 2 in this order: were it to say once more what it holds, as if it had not
   * given anything back, that would be without the lock, and end it.
   *
   * @returns whether it is to be told
   */
  giveBack(): boolean {
    const wasDelegated = this.#isDelegated;
    this.#isDelegated = false;
    return wasDelegated;
  }

  /** The session is lost, and every lock with it. */
  clear(): void {
    this.#isDelegated = false;
    for (const kind of kinds) for (const { node } of [...this[kind].held]) this[kind].releaseNode(node);
  }

  hasAny(): boolean {
    return this.isHeldBesides();
  }

  /** Whether anybody but this owner holds a lock; without one, anybody. */
  isHeldBesides(owner?: string): boolean {
    return kinds.some((kind) => this[kind].held.some((lock) => lock.owner !== owner));
  }
}

/** Everything in it has been granted, so nothing waits. */
function alone(): RangeLocks {
  return new RangeLocks(new LockWaits(), () => undefined);
}
