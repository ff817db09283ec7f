import type { Micros } from "../core/units.js";
import { nowMicros } from "../kernel/clock.js";

/** The home is told of stores at most so often, and of any change after so long: about a step of the clock that Linux stamps files by. */
export const tellMicros = 4000;

export interface StoredTimesNode {
  /** Tells the home that the file has been stored to just now. `isWanted`: whether to say so again, if the connection is lost. */
  tellStored(isWanted: () => boolean): void;
  /** What the home has told of the file's attributes, or is about to tell, is not so any more. */
  outdated(): void;
  /** Has `tell` called before the home is asked whatever else, and then at the latest. */
  onUntold(tellAt: Micros): void;
}

/** A store is a change of the file's times, long before its bytes are sent: by the home's clock, as all others are. */
export class StoredTimes {
  readonly #node: StoredTimesNode;
  readonly #isOurs: () => boolean;
  /** When the home is to be told of stores that it has not heard of; Infinity when there are none. */
  #tellAt: Micros = Number.POSITIVE_INFINITY;
  #toldAt: Micros = Number.NEGATIVE_INFINITY;
  /** Counts how often programs have set the time. */
  #sets = 0;

  /** `isOurs`: whether nobody else sees the file but by the home, which asks this node back before (FileGrowth). */
  constructor(node: StoredTimesNode, isOurs: () => boolean) {
    this.#node = node;
    this.#isOurs = isOurs;
  }

  get tellAt(): Micros {
    return this.#tellAt;
  }

  /** Whether there are stores that the home has not heard of. */
  get isPending(): boolean {
    return this.#tellAt < Number.POSITIVE_INFINITY;
  }

  /** A program has set the time itself, after all stores so far. */
  set(): void {
    this.#sets++;
    this.#tellAt = Number.POSITIVE_INFINITY;
  }

  /** A program has stored to the file. */
  changed(): void {
    if (this.isPending) return;
    const now = nowMicros();
    // Who unpacks or copies a file sets its time next.
    this.#tellAt = this.#isOurs() ? now + tellMicros : Math.max(now, this.#toldAt + tellMicros);
    if (this.#tellAt <= now) this.tell();
    else this.#node.onUntold(this.#tellAt);
  }

  /** The home hears of all stores so far before whatever it is asked next. */
  tell(): void {
    if (!this.isPending) return;
    this.#tellAt = Number.POSITIVE_INFINITY;
    this.#toldAt = nowMicros();
    this.#node.outdated();
    const sets = this.#sets;
    this.#node.tellStored(() => this.#sets === sets);
  }
}
