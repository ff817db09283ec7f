import type { TestContext } from "node:test";

/**
 * Numbers from a seed. Fault times come from here, so that a failure can be had again: the seed is printed when the test
 * fails, and `DMMAP_SEED=N` sets it.
 */
export class SeededRandom {
  readonly seed: number;
  #state: number;

  constructor(seed: number) {
    this.seed = seed;
    this.#state = seed;
  }

  /** From 0 up to 1 (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** An integer from `low` up to, not including, `high`. */
  between(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low));
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.between(0, items.length)];
  }
}

export function freshSeed(): number {
  return process.env.DMMAP_SEED === undefined
    ? Math.floor(Math.random() * 2 ** 31)
    : Number.parseInt(process.env.DMMAP_SEED, 10);
}

/** A generator for one test, which prints what it takes to have the same fault times again. */
export function seededRandom(test: TestContext): SeededRandom {
  const random = new SeededRandom(freshSeed());
  test.diagnostic(`DMMAP_SEED=${random.seed}`);
  return random;
}
