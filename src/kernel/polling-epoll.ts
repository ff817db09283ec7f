import { availableParallelism } from "node:os";
import { nowMicros } from "./clock.js";
import { Epoll } from "./epoll.js";
import * as libc from "./libc.js";
import { PollGauge } from "./poll-gauge.js";

/** About two wake-ups of another processor, on a virtual machine. */
const spinMicrosDefault = 100;

/**
 * For how long to poll unless told otherwise. Where there is one processor, whoever is to bring something needs it.
 */
export function defaultSpinMicros(): number {
  return availableParallelism() > 1 ? spinMicrosDefault : 0;
}

/** An epoll set for a loop that mostly waits for somebody who answers at once: polls before it sleeps, as long as that pays. */
export class PollingEpoll extends Epoll {
  readonly #gauge: PollGauge;

  /** `spinMicros`: how long it polls at most; 0 for never. */
  constructor(spinMicros: number) {
    super();
    this.#gauge = new PollGauge(spinMicros);
  }

  override wait(timeoutMicros: number): number {
    const { limitMicros, pays } = this.#gauge;
    if (limitMicros === 0 || timeoutMicros <= 0) return super.wait(timeoutMicros);
    const start = nowMicros();
    if (!pays) {
      const count = super.wait(timeoutMicros);
      if (count > 0) this.#gauge.came(nowMicros() - start);
      return count;
    }
    const end = start + Math.min(limitMicros, timeoutMicros);
    for (let now = start; now < end; now = nowMicros()) {
      const count = super.wait(0);
      if (count > 0) {
        this.#gauge.came(0);
        return count;
      }
      libc.schedYield(); // To whoever else wants this processor: perhaps the one that is waited for.
    }
    this.#gauge.came(Number.POSITIVE_INFINITY);
    return super.wait(Math.max(0, timeoutMicros - limitMicros));
  }
}
