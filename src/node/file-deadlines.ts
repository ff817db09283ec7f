import type { Micros } from "../core/units.js";
import type { OpenFiles } from "./open-files.js";
import type { StallWatch } from "./stall-watch.js";

/** When files of a node have something to do: of thousands mostly none has, so they are not looked at before. */
export class FileDeadlines {
  readonly #files: OpenFiles;
  readonly #stalls: StallWatch;
  readonly #wakeAt: (deadline: Micros) => void;
  /** The first, or earlier. */
  #first: Micros = Number.POSITIVE_INFINITY;

  /** `wakeAt` has `onTime` called then. */
  constructor(files: OpenFiles, stalls: StallWatch, wakeAt: (deadline: Micros) => void) {
    this.#files = files;
    this.#stalls = stalls;
    this.#wakeAt = wakeAt;
  }

  add(deadline: Micros): void {
    this.#first = Math.min(this.#first, deadline);
    this.#wakeAt(deadline);
  }

  /** `downReason`: for people who wait. */
  onTime(now: Micros, downReason: string): void {
    if (now < this.#first) return this.#wakeAt(this.#first);
    this.#first = Number.POSITIVE_INFINITY;
    for (const { file } of this.#files.all()) {
      if (file.tokens.deadline <= now) file.onTime(now);
      this.add(file.tokens.deadline);
    }
    this.add(this.#stalls.look(this.#files.all(), downReason, now));
  }
}
