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

/** What is to be asked once the home has been told what is held here. */
interface Question {
  readonly ask: () => void;
  /** For `takeBack`. */
  readonly ticket: number | undefined;
  readonly onTakenBack: () => void;
}

/**
 * One file's locks on one node: what its programs hold, and whether the node decides by itself (see LockDelegation). It only
 * does while it has no question out: the home would answer that by what it knew. And it never lets anybody wait: who waits for
 * whom is for the home to know, where circles of them are found.
 *
 * Locks that end while nobody else could have them next hand over nothing: the node *owes* what was stored before. It hands that
 * over before it tells the home what it holds, as then others may have those locks; what it asks the home waits for that, too.
 */
export class FileLocks {
  readonly posix = alone();
  readonly flock = alone();
  #isDelegated = false;
  #questions = 0;
  #owes = false;
  /** The present attempt to tell the home; another object each time. */
  #telling: object | undefined;
  #waiting: Question[] = [];

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
    this[kind].take(lock);
    this.#isDelegated ||= isDelegated;
  }

  /** A lock has ended that nobody else could have had before this node told the home. */
  owe(): void {
    this.#owes = true;
  }

  get owes(): boolean {
    return this.#owes;
  }

  /**
   * The home decides again, once it has been told all that is held here: it asks for that, or this node does not want to
   * decide. Not twice: 1. The node gives the decision back, and asks for a lock. 2. The home has asked it back before it heard
   * that; then it grants the lock. 3. The node hears 2 in this order: were it to say once more what it holds, as if it had not
   * given anything back, that would be without the lock, and end it.
   *
   * @returns what `isTelling` wants, if the home is to be told
   */
  giveBack(): object | undefined {
    if (!this.#isDelegated) return undefined;
    return this.tell();
  }

  /** The home is about to be told all that is held here, behind what is owed. @returns what `isTelling` wants */
  tell(): object {
    this.#isDelegated = false;
    this.#telling = {};
    return this.#telling;
  }

  /** What is owed has been handed over. @returns whether the home is to be told now: not when the connection was lost since. */
  isTelling(telling: object): boolean {
    return this.#telling === telling;
  }

  /** The home has been told. */
  told(): void {
    this.#owes = false;
    this.#goOn();
  }

  /** The connection is lost: the home may be another when it is back, which decides about everything, and has to be told. */
  onDown(): void {
    this.#isDelegated = false;
    this.#goOn();
  }

  #goOn(): void {
    this.#telling = undefined;
    for (const { ask } of this.#waiting.splice(0)) ask();
  }

  /** Calls `ask` when the home may be asked: now, mostly. */
  whenTold(ask: () => void, onTakenBack = () => {}, ticket?: number): void {
    if (this.#telling === undefined) ask();
    else this.#waiting.push({ ask, ticket, onTakenBack });
  }

  /** A question is not to be asked any more. @returns whether it waited here. */
  takeBack(ticket: number): boolean {
    const index = this.#waiting.findIndex((question) => question.ticket === ticket);
    if (index < 0) return false;
    this.#waiting.splice(index, 1)[0].onTakenBack();
    return true;
  }

  /** Nothing is asked any more. */
  takeBackAll(): void {
    for (const { onTakenBack } of this.#waiting.splice(0)) onTakenBack();
  }

  /** The session is lost, and every lock with it. */
  clear(): void {
    this.#isDelegated = false;
    this.#owes = false;
    for (const kind of kinds) for (const { node } of [...this[kind].held]) this[kind].releaseNode(node);
  }

  get count(): number {
    return this.posix.held.length + this.flock.held.length;
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
