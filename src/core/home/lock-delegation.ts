import type { NodeId } from "../units.js";

/** So many locks in a row for a node that nobody shares them with, before it decides by itself. */
const aloneMin = 8;
/** Each time that was taken back, it takes so many times as many: two nodes that take turns are not in each other's way. */
const aloneGrowth = 4;
const aloneMax = 4096;

/**
 * Which node decides by itself about one file's locks (R16): one that has been alone with them for a while. Then most of its
 * locks cost no message. The home decides nothing about that file before the node, asked back, has said all that it holds;
 * nor about what the node itself asks meanwhile:
 *
 * 1. The home asks the node back. 2. A request of the node's arrives, sent before, and is granted. 3. What the node says that
 * it holds was said without that lock, and ends it.
 */
export class LockDelegation {
  readonly #recall: (node: NodeId) => void;
  #node: NodeId | undefined;
  /** What is asked back; the same object for as long as it is the same question. */
  #question: object | undefined;
  #waiting: (() => void)[] = [];
  #last: NodeId | undefined;
  #alone = 0;
  #aloneMin = aloneMin;

  /** `recall`: ask the node to say all that it holds, and to decide nothing from then on. */
  constructor(recall: (node: NodeId) => void) {
    this.#recall = recall;
  }

  /** What the node was asked and has not answered. */
  unanswered(node: NodeId): object | undefined {
    return this.#node === node ? this.#question : undefined;
  }

  /** Whether the home may decide about something that this node asks. If not, the node that may is asked back. */
  mayDecide(node: NodeId): boolean {
    if (this.#last !== node) this.#alone = 0;
    this.#last = node;
    if (this.#node === undefined || (this.#node === node && this.#question === undefined)) return true;
    if (this.#question === undefined) {
      this.#question = {};
      this.#aloneMin = Math.min(aloneMax, this.#aloneMin * aloneGrowth);
      this.#recall(this.#node);
    }
    return false;
  }

  /** Calls `act` when `mayDecide` is to be asked again. */
  whenEnded(act: () => void): void {
    this.#waiting.push(act);
  }

  /**
   * The node has been given a lock. `isAlone`: nobody else has one, or waits; asked only if that matters.
   *
   * @returns whether it decides by itself, as of the news of that lock
   */
  granted(node: NodeId, isAlone: () => boolean): boolean {
    if (this.#node !== undefined || ++this.#alone < this.#aloneMin || !isAlone()) return false;
    this.#node = node;
    return true;
  }

  /** The node has said all that it holds, or is gone: the home decides again, in the order of what it was asked. */
  ended(node: NodeId): void {
    if (this.#node !== node) return;
    this.#node = undefined;
    this.#question = undefined;
    this.#alone = 0;
    for (const act of this.#waiting.splice(0)) act();
  }
}
