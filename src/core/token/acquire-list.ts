import { type Micros, Mode, type PageIndex } from "../units.js";

/** So many ranges are told apart for a question that waits long; then they become one. */
const overtakenMax = 16;

export interface Acquire {
  readonly request: number;
  readonly mode: Mode;
  readonly needStart: PageIndex;
  readonly needEnd: PageIndex;
  readonly windowEnd: PageIndex;
  readonly needsData: boolean;
  readonly isUrgent: boolean;
}

interface Asked extends Acquire {
  readonly overtaken: PageRange[];
  /** The home had no room for it in its line: it is asked again from this time on. Infinity once it is asked. */
  askAt: Micros;
}

interface PageRange {
  readonly start: PageIndex;
  readonly end: PageIndex;
}

/** What the home has been asked for and has not granted. */
export class AcquireList {
  #acquires: Asked[] = [];
  /** When the first of those that were refused is asked again, or earlier. */
  #askAt: Micros = Number.POSITIVE_INFINITY;

  get count(): number {
    return this.#acquires.length;
  }

  add({ request, mode, needStart, needEnd, windowEnd, needsData, isUrgent }: Acquire): void {
    const askAt = Number.POSITIVE_INFINITY;
    this.#acquires.push({ request, mode, needStart, needEnd, windowEnd, needsData, isUrgent, overtaken: [], askAt });
  }

  /** The home has no room for this one. @returns false when it is none of these. */
  refused(request: number, askAt: Micros): boolean {
    const refused = this.#acquires.find((acquire) => acquire.request === request);
    if (refused === undefined) return false;
    refused.askAt = askAt;
    this.#askAt = Math.min(this.#askAt, askAt);
    return true;
  }

  /** Calls `ask` for those that were refused and whose time has come. @returns when to look again; Infinity for never. */
  askAgain(now: Micros, ask: (acquire: Acquire) => void): Micros {
    if (now < this.#askAt) return this.#askAt;
    this.#askAt = Number.POSITIVE_INFINITY;
    for (const acquire of this.#acquires) {
      if (acquire.askAt <= now) {
        acquire.askAt = Number.POSITIVE_INFINITY;
        ask(acquire);
      }
      this.#askAt = Math.min(this.#askAt, acquire.askAt);
    }
    return this.#askAt;
  }

  /** @returns the ranges of which the grant's data may be older than what was written back since the question. */
  granted(request: number): readonly PageRange[] {
    const granted = this.#acquires.find((acquire) => acquire.request === request);
    this.#acquires = this.#acquires.filter((acquire) => acquire !== granted);
    return granted?.overtaken ?? [];
  }

  /** Pages of [start, end) are being written back: the home may answer from before that. */
  overtake(start: PageIndex, end: PageIndex): void {
    for (const { overtaken } of this.#acquires) {
      const rest = overtaken.length < overtakenMax ? [] : overtaken.splice(0);
      overtaken.push({
        start: rest.reduce((first, range) => Math.min(first, range.start), start),
        end: rest.reduce((last, range) => Math.max(last, range.end), end),
      });
    }
  }

  /** Whether one of them will bring `mode` on all of [start, end), as soon as an urgent one if that is asked. */
  covers(start: PageIndex, end: PageIndex, mode: Mode, isUrgent = false): boolean {
    for (const acquire of this.#acquires) {
      if (isUrgent && !acquire.isUrgent) continue;
      if (acquire.mode >= mode && acquire.needStart <= start && acquire.needEnd >= end) return true;
    }
    return false;
  }

  describe(): string {
    const line = this.#acquires.map(({ request, mode, needStart, needEnd, overtaken }) => {
      const old = overtaken.map(({ start, end }) => ` but ${start}..${end}`).join("");
      return `${mode === Mode.write ? "write" : "read"} ${needStart}..${needEnd} #${request}${old}`;
    });
    return line.join(", ") || "none";
  }

  clear(): void {
    this.#acquires = [];
    this.#askAt = Number.POSITIVE_INFINITY;
  }
}
