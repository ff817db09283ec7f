import { wordBytes, wordsPerPage } from "./sim-file.js";

const freeWritesMax = 6;

interface Unsynced {
  readonly word: number;
  readonly value: number;
}

/**
 * A home's disk, with its operating system's cache: a process that dies leaves `words` as they are, a power failure leaves of
 * what was not synced any part in any order, by sectors of a word. Notes and sizes are durable at once.
 */
export class SimDisk {
  readonly words: Int32Array;
  readonly notes = new Map<string, string>();
  sizeBytes: number;
  readonly #durable: Int32Array;
  #unsynced: Unsynced[] = [];
  /** How many writes have gone down before the first of `#unsynced`. */
  #settled = 0;

  constructor(options: { sizeBytes: number; pagesMax: number }) {
    this.sizeBytes = options.sizeBytes;
    this.words = new Int32Array(options.pagesMax * wordsPerPage);
    this.#durable = new Int32Array(options.pagesMax * wordsPerPage);
  }

  /** How many writes there have been, and how many of them are durable. */
  get writeCount(): number {
    return this.#settled + this.#unsynced.length;
  }

  get settledCount(): number {
    return this.#settled;
  }

  /** R7: never beyond the end of the file. */
  write(page: number, words: readonly number[]): void {
    for (const [at, value] of words.entries()) {
      const word = page * wordsPerPage + at;
      if ((word + 1) * wordBytes > this.sizeBytes) return;
      this.words[word] = value;
      this.#unsynced.push({ word, value });
    }
  }

  setSize(sizeBytes: number): void {
    const first = Math.min(sizeBytes, this.sizeBytes) / wordBytes;
    this.words.fill(0, first);
    this.#durable.fill(0, first);
    this.#unsynced = this.#unsynced.map((write) => (write.word < first ? write : { word: write.word, value: 0 }));
    this.sizeBytes = sizeBytes;
  }

  /** @returns what is called when the sync has succeeded: what was written before it is durable then. */
  beginSync(): () => void {
    const covered = this.writeCount;
    return () => {
      const count = Math.max(0, covered - this.#settled);
      for (const { word, value } of this.#unsynced.splice(0, count)) this.#durable[word] = value;
      this.#settled += count;
    };
  }

  /** `survives` says of each write that was not synced whether it got through: of each word, the last that did is there. */
  losePower(survives: () => boolean): void {
    for (const { word, value } of this.#unsynced) if (survives()) this.#durable[word] = value;
    this.#settled += this.#unsynced.length;
    this.#unsynced = [];
    this.words.set(this.#durable);
  }

  /**
   * Everything that a loss of power may leave, one way to come by each: of the writes that are not synced, which survive, as
   * bits. Of more than a few, those that came last either all do or none.
   */
  outcomes(): number[] {
    const free = Math.min(this.#unsynced.length, freeWritesMax);
    const byText = new Map<string, number>();
    for (let bits = 0; bits < 2 ** free; bits++) {
      const words = [...this.#durable];
      for (const [at, { word, value }] of this.#unsynced.entries()) if (survives(bits, at)) words[word] = value;
      byText.set(words.join(" "), bits);
    }
    return [...byText.values()];
  }

  describe(): string {
    const lost = this.#unsynced.map(({ word, value }) => `${word}=${value}`).join(" ");
    return `${this.words.join(" ")} (${this.#durable.join(" ")}; ${lost}) ${[...this.notes.values()].join(" ")}`;
  }
}

/** Whether the write at this place is among those that a loss of power spares. */
export function survives(bits: number, at: number): boolean {
  return Math.floor(bits / 2 ** Math.min(at, freeWritesMax - 1)) % 2 === 1;
}
