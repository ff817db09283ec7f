/** A clock that runs a little differently, and may jump: what one machine believes the time to be. */
export class Clock {
  /** Seconds of this clock in one of the world. */
  rate = 1;
  #offset = 0;

  read(worldMicros: number): number {
    return worldMicros * this.rate + this.#offset;
  }

  /** When this clock will show `micros`, or a trifle later: never a moment at which it does not yet. */
  timeOf(micros: number, worldMicros: number): number {
    if (micros === Number.POSITIVE_INFINITY) return micros;
    const at = (micros - this.#offset) / this.rate;
    return Math.max(worldMicros, this.rate === 1 ? at : at + 0.01);
  }

  jump(micros: number): void {
    this.#offset += micros;
  }
}
