import type { NodeId } from "../units.js";

/** Each time it was taken back, it takes so many times as much: two nodes that take turns are not in each other's way. */
const aloneGrowth = 4;
const aloneMax = 4096;

/**
 * Which node decides by itself about something of one file: its locks (R16), or that it gets longer. It is one that has been
 * alone with that for a while. Then most of it costs no message. The home decides nothing of the kind before the node, asked
 * back, has said how things are; nor about what the node itself asks meanwhile:
 *
 * 1. The home asks the node back. 2. A request of the node's arrives, sent before, and is granted. 3. What the node says that
 * it holds was said without that lock, and ends it.
 */
export class Delegation {
  readonly #recall: (node: NodeId) => void;
  readonly #onChange: (node: NodeId, isLeft: boolean) => void;
  #node: NodeId | undefined;
  /** What is asked back; the same object for as long as it is the same question. */
  #question: object | undefined;
  #waiting: (() => void)[] = [];
  #last: NodeId | undefined;
  #alone = 0;
  #aloneMin: number;

  /**
   * `recall`: ask the node to say how things are, and to decide nothing from then on. `aloneMin`: so often in a row must one node
   * be given what it asks for, before it decides by itself. `onChange`: it is left to a node, or not any more.
   */
  constructor(
    recall: (node: NodeId) => void,
    aloneMin: number,
    onChange: (node: NodeId, isLeft: boolean) => void = () => {},
  ) {
    this.#recall = recall;
    this.#aloneMin = aloneMin;
    this.#onChange = onChange;
  }

  /** The node that decides, or is being asked back. */
  get node(): NodeId | undefined {
    return this.#node;
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
   * The node has been given what it asked for. `isAlone`: nobody else has to do with it; asked only if that matters.
   *
   * @returns whether it decides by itself, as of that answer
   */
  granted(node: NodeId, isAlone: () => boolean): boolean {
    if (this.#node !== undefined || ++this.#alone < this.#aloneMin || !isAlone()) return false;
    this.#node = node;
    this.#onChange(node, true);
    return true;
  }

  /** The node has said how things are, or is gone: the home decides again, in the order of what it was asked. */
  ended(node: NodeId): void {
    if (this.#node !== node) return;
    this.#node = undefined;
    this.#question = undefined;
    this.#alone = 0;
    this.#onChange(node, false);
    for (const act of this.#waiting.splice(0)) act();
  }
}
