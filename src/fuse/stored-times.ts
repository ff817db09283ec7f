import type { Micros } from "../core/units.js";
import { nowMicros } from "../kernel/clock.js";

/** The home is told of stores at most so often: about a step of the clock that Linux stamps files by. */
const tellMicros = 4000;

export interface StoredTimesNode {
  /** Tells the home that the file has been stored to just now. */
  tellStored(): void;
  /** What the home has told of the file's attributes, or is about to tell, is not so any more. */
  outdated(): void;
  /** Has `onTime` called then. */
  wakeAt(at: Micros): void;
}

/** A store is a change of the file's times, long before its bytes are sent: by the home's clock, as all others are. */
export class StoredTimes {
  readonly #node: StoredTimesNode;
  /** When the home is to be told of stores that it has not heard of; Infinity when there are none. */
  #tellAt: Micros = Number.POSITIVE_INFINITY;
  #toldAt: Micros = Number.NEGATIVE_INFINITY;

  constructor(node: StoredTimesNode) {
    this.#node = node;
  }

  /** Whether there are stores that the home has not heard of. */
  get isPending(): boolean {
    return this.#tellAt < Number.POSITIVE_INFINITY;
  }

  /** A program has set the time itself, after all stores so far. */
  set(): void {
    this.#tellAt = Number.POSITIVE_INFINITY;
  }

  /** A program has stored to the file. */
  changed(): void {
    if (this.isPending) return;
    const now = nowMicros();
    this.#tellAt = Math.max(now, this.#toldAt + tellMicros);
    if (this.#tellAt <= now) this.tell();
    else this.#node.wakeAt(this.#tellAt);
  }

  /** The home hears of all stores so far before whatever it is asked next. */
  tell(): void {
    if (!this.isPending) return;
    this.#tellAt = Number.POSITIVE_INFINITY;
    this.#toldAt = nowMicros();
    this.#node.outdated();
    this.#node.tellStored();
  }

  /** @returns when to look again. */
  onTime(now: Micros): Micros {
    if (now >= this.#tellAt) this.tell();
    return this.#tellAt;
  }
}
