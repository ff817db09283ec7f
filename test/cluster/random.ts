/** Numbers that one seed decides (the minimal standard generator of Park and Miller). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = 1 + (seed % 2_147_483_645);
  }

  /** A whole number from 0 up to, but not including, the limit. */
  below(limit: number): number {
    this.#state = (this.#state * 48_271) % 2_147_483_647;
    return Math.floor((this.#state / 2_147_483_647) * limit);
  }
}
