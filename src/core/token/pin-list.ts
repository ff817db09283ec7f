import type { TokenRanges } from "../token-ranges.js";
import type { Mode, PageIndex } from "../units.js";

export interface PinRange {
  readonly pin: number;
  readonly mode: Mode;
  readonly start: PageIndex;
  readonly end: PageIndex;
  /** Kept until removed; else it only waits until everything is here once. */
  readonly hold: boolean;
}

export interface Pin extends PinRange {
  /** Pages before this one have been cached. */
  reached: PageIndex;
  satisfied: boolean;
}

/** Ranges that a program holds on to, or has asked to have brought. */
export class PinList {
  #pins: Pin[] = [];

  get isWaiting(): boolean {
    return this.#pins.some((pin) => !pin.satisfied);
  }

  add(range: PinRange): void {
    this.#pins.push({ ...range, reached: range.start, satisfied: false });
  }

  remove(pin: number): void {
    this.#pins = this.#pins.filter((candidate) => candidate.pin !== pin);
  }

  clear(): void {
    this.#pins = [];
  }

  satisfy(pin: Pin): void {
    if (pin.hold) pin.satisfied = true;
    else this.remove(pin.pin);
  }

  /** After a lost session, nothing is here any more. */
  restart(): void {
    for (const pin of this.#pins) {
      pin.reached = pin.start;
      pin.satisfied = false;
    }
  }

  firstWaiting(): Pin | undefined {
    return this.#pins.find((pin) => !pin.satisfied);
  }

  /** The one after `pin`, which may just have been removed. */
  nextWaiting(pin: Pin): Pin | undefined {
    return this.#pins.find((candidate) => candidate.pin > pin.pin && !candidate.satisfied);
  }

  /**
   * Whether a hold stands against keeping only `mode` on the range: one that is satisfied, or has its token and waits for
   * data. A hold that still lacks its token gives way like anybody else.
   */
  blocks(mode: Mode, start: PageIndex, end: PageIndex, held: TokenRanges): boolean {
    return this.#pins.some(
      (pin) =>
        pin.hold &&
        pin.mode > mode &&
        pin.start < end &&
        pin.end > start &&
        (pin.satisfied || held.weakest(pin.start, pin.end) >= pin.mode),
    );
  }

  /** The first page in [start, end) that any pin wants, or `end`. */
  firstTouched(start: PageIndex, end: PageIndex): PageIndex {
    let first = end;
    for (const pin of this.#pins) {
      if (pin.end > start && pin.start < first) first = Math.max(start, pin.start);
    }
    return first;
  }
}
