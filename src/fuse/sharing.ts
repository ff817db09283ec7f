import type { Micros } from "../core/units.js";
import { nowMicros } from "../kernel/clock.js";

/** Other nodes that have wanted a file of late will want it again. */
const sharedMicros: Micros = 10_000_000;

/** Whether a file that programs of this mount write is used on other nodes at the same time. */
export class Sharing {
  #seenAt: Micros = Number.NEGATIVE_INFINITY;

  /** Another node has it open for writing, or has just wanted some of it. */
  seen(): void {
    this.#seenAt = nowMicros();
  }

  get is(): boolean {
    return nowMicros() - this.#seenAt < sharedMicros;
  }
}
