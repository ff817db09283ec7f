import type { Mode, PageIndex } from "../core/units.js";

/** A cache of a file above the node's own, that shows the same pages to programs: the kernel's, on a mount. */
export interface UpperCache {
  /** As `TokenPort.recall`. */
  recall(mode: Mode, start: PageIndex, end: PageIndex): boolean;
  /** The size has changed, and with it pages from `start` on: calls `done` when none of them is shown any more. */
  resize(start: PageIndex, done: () => void): void;
}

export const noUpperCache: UpperCache = {
  recall: () => true,
  resize: (_start, done) => done(),
};
