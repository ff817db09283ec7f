import { DutyNumbers } from "../src/core/token/duty-numbers.js";
import { wordsPerPage } from "./sim-file.js";

/** Where a simulated node keeps copies of pages that have left its cache. */
export class SimAttic {
  readonly #slots = new Map<number, number[]>();
  #last = 0;
  /** Of this node's duties (R20). */
  readonly duties = new DutyNumbers();

  get keptPages(): number {
    return this.#slots.size;
  }

  keep(words: readonly number[]): number {
    this.#slots.set(++this.#last, [...words]);
    return this.#last;
  }

  read(slot: number): readonly number[] {
    const words = this.#slots.get(slot);
    if (words === undefined) throw new Error(`nothing is kept in slot ${slot}`);
    return words;
  }

  free(slot: number): void {
    if (!this.#slots.delete(slot)) throw new Error(`slot ${slot} is freed twice`);
  }

  /** Zeros from this word of the page on. */
  cut(slot: number, words: number): void {
    this.#slots.get(slot)?.fill(0, words, wordsPerPage);
  }
}
