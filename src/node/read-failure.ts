import type { DmmapError } from "../core/error.js";
import { soundFailure, unreadable } from "./home-answers.js";

/** More than the time after which the home is asked again for a page that it could not read. */
const recentMicros = 2_000_000;

/** Why the home could not read pages of one file. */
export class ReadFailure {
  #error: DmmapError | undefined;
  #at = Number.NEGATIVE_INFINITY;

  get error(): DmmapError {
    return this.#error ?? unreadable("nothing was asked");
  }

  /** The home says so: `payload` is its reason. */
  came(payload: Uint8Array, now: number): void {
    this.#error = soundFailure(payload);
    this.#at = now;
  }

  /** Why whoever waits for a page now may wait for long: it is asked for every second. Empty when that has not failed of late. */
  reason(now: number): string {
    return now - this.#at < recentMicros ? this.error.message : "";
  }
}
