import type { Micros } from "../core/units.js";
import { nowMicros } from "../kernel/clock.js";

interface Limited {
  readonly done: () => void;
  readonly until: Micros;
}

/** Who waits for the kernel to drop pages of one file. */
export class DropWaits {
  readonly #wakeAt: (at: Micros) => void;
  readonly #acts: (() => void)[] = [];
  #limited: Limited[] = [];

  /** `wakeAt` has `onTime` called then. */
  constructor(wakeAt: (at: Micros) => void) {
    this.#wakeAt = wakeAt;
  }

  /** Calls `act` with the next drop. */
  add(act: () => void): void {
    this.#acts.push(act);
  }

  /** Looks now, and with each drop, whether something is so; not for long, since the kernel may wait for others itself. */
  until(isSo: () => boolean, microsMax: Micros, done: () => void): void {
    if (isSo()) return done();
    const waiter = { done, until: nowMicros() + microsMax };
    this.#limited.push(waiter);
    this.#wakeAt(waiter.until);
    const look = () => {
      if (!this.#limited.includes(waiter)) return;
      if (isSo()) this.#end((each) => each === waiter);
      else this.#acts.push(look);
    };
    this.#acts.push(look);
  }

  /** Pages have been dropped, or may be told to be from here on. */
  dropped(): void {
    for (const act of this.#acts.splice(0)) act();
  }

  /** @returns when to look again. */
  onTime(now: Micros): Micros {
    this.#end(({ until }) => now >= until);
    return this.#limited.reduce((first, { until }) => Math.min(first, until), Number.POSITIVE_INFINITY);
  }

  #end(isOver: (waiter: Limited) => boolean): void {
    const over = this.#limited.filter(isOver);
    if (over.length === 0) return;
    this.#limited = this.#limited.filter((waiter) => !over.includes(waiter));
    for (const { done } of over) done();
  }
}
