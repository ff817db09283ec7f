import { assert } from "../assert.js";
import type { TokenRanges } from "../token-ranges.js";
import { type Micros, Mode, type PageIndex, pageMax } from "../units.js";

export interface PinRange {
  readonly pin: number;
  readonly mode: Mode;
  readonly start: PageIndex;
  readonly end: PageIndex;
  /** Kept until removed; else it only waits until everything is here once. */
  readonly hold: boolean;
  /** Whether its pages are wanted too, not only the token. */
  readonly data: boolean;
  /** Its place among wants, pins and revokes, in order of arrival. */
  readonly sequence: number;
  /** Whether a revoke may not be answered before it has ended: so it waits neither for that nor behind others in line. */
  readonly isUrgent?: boolean;
}

export interface Pin extends PinRange {
  /** Pages before this one have been cached. */
  reached: PageIndex;
  satisfied: boolean;
  /** The home could not read its next page: ask again from this time on. */
  retryAt: Micros;
}

/** Ranges that a program holds on to, or has asked to have brought. */
export class PinList {
  #pins: Pin[] = [];

  get isWaiting(): boolean {
    return this.#pins.some((pin) => !pin.satisfied);
  }

  add({ pin, mode, start, end, hold, data, sequence, isUrgent = false }: PinRange): void {
    // Its home takes no such frame, and cuts off whoever sends one; who was cut off would send it again.
    assert(end <= pageMax, "R8: a page that is asked for lies in a file of at most 2^53 - 1 bytes");
    this.#pins.push({
      pin,
      mode,
      start,
      end,
      hold,
      data,
      sequence,
      isUrgent,
      reached: start,
      satisfied: false,
      retryAt: 0,
    });
  }

  /** @returns what it was; undefined when there was none. */
  remove(pin: number): PinRange | undefined {
    const index = this.#pins.findIndex((candidate) => candidate.pin === pin);
    return index < 0 ? undefined : this.#pins.splice(index, 1)[0];
  }

  clear(): void {
    this.#pins = [];
  }

  satisfy(pin: Pin): void {
    if (pin.hold) pin.satisfied = true;
    else this.remove(pin.pin);
  }

  /** Who waits for a page of the range asks for it again from then on. `each` hears who that is. */
  delay(start: PageIndex, end: PageIndex, retryAt: Micros, each: (pin: number) => void): void {
    for (const pin of this.#pins) {
      if (pin.satisfied || pin.reached < start || pin.reached >= end) continue;
      pin.retryAt = retryAt;
      each(pin.pin);
    }
  }

  /**
   * After a lost session, nothing is here any more. A hold that was given has ended with it: others have had the range since,
   * so to take it again unasked would only keep them out. What still waits goes on waiting.
   */
  restart(): void {
    this.#pins = this.#pins.filter(({ satisfied }) => !satisfied);
    for (const pin of this.#pins) {
      pin.reached = pin.start;
      pin.retryAt = 0;
    }
  }

  firstWaiting(): Pin | undefined {
    return this.#pins.find((pin) => !pin.satisfied);
  }

  /** The one that came after `pin`, which may just have been removed. */
  nextWaiting(pin: Pin): Pin | undefined {
    return this.#pins.find((candidate) => candidate.sequence > pin.sequence && !candidate.satisfied);
  }

  /**
   * Whether a hold stands against keeping only `mode` on the range: one that is satisfied, or came before the revoke of this
   * number, has its token and waits for data. A hold that still lacks its token gives way like anybody else.
   */
  blocks(mode: Mode, start: PageIndex, end: PageIndex, held: TokenRanges, sequence: number): boolean {
    return this.#pins.some(
      (pin) =>
        pin.hold &&
        pin.mode > mode &&
        pin.start < end &&
        pin.end > start &&
        (pin.satisfied || (pin.sequence < sequence && held.weakest(pin.start, pin.end) >= pin.mode)),
    );
  }

  /** Whether a satisfied hold covers this page. */
  holds(page: PageIndex): boolean {
    return this.#pins.some((pin) => pin.hold && pin.satisfied && page >= pin.start && page < pin.end);
  }

  /** Whether one satisfied hold, older than this number, covers all of the pin's range. */
  isInsideHold(pin: Pin, sequence: number): boolean {
    return this.#pins.some(
      (other) =>
        other.hold &&
        other.satisfied &&
        other.sequence < sequence &&
        other.mode >= pin.mode &&
        other.start <= pin.start &&
        other.end >= pin.end,
    );
  }

  /** The first page in [start, end) that any pin wants, or `end`. */
  firstIn(start: PageIndex, end: PageIndex): PageIndex {
    let first = end;
    for (const pin of this.#pins) {
      if (pin.end > start && pin.start < first) first = Math.max(start, pin.start);
    }
    return first;
  }

  describe(): string {
    const line = this.#pins.map(
      ({ pin, mode, start, end, hold, sequence, reached, satisfied }) =>
        `${hold ? "hold" : "prefetch"} %${pin} ${mode === Mode.write ? "write" : "read"} ${start}..${end} ~${sequence} ${satisfied ? "here" : `reached ${reached}`}`,
    );
    return line.join(", ") || "none";
  }
}
