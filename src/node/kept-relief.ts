import { nowMicros } from "../kernel/clock.js";
import type { OpenFiles } from "./open-files.js";

/** When a sync may be asked for again after one has failed. */
const restMicros = 1_000_000;

/**
 * Copies that are kept (R20) take room that the cache was to have: has the home put down what they are copies of. What is dirty stays
 * so: to send it would cost a fault for each page that is stored to again. Not again at once where that fails.
 */
export class KeptRelief {
  readonly #files: OpenFiles;
  #runningCount = 0;
  #againAt = 0;

  constructor(files: OpenFiles) {
    this.#files = files;
  }

  free(now: number): void {
    if (this.#runningCount > 0 || now < this.#againAt) return;
    for (const { file } of this.#files.all()) {
      if (!file.frames.isReady || !file.writes.isUnstable) continue;
      this.#runningCount++;
      file.writes.settle((error) => {
        this.#runningCount--;
        if (error !== undefined) this.#againAt = nowMicros() + restMicros;
      });
    }
  }
}
