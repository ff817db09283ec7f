import type { ByteOffset, Mode, PageIndex } from "../core/units.js";

/** A cache of a file above the node's own, that shows the same pages to programs: the kernel's, on a mount. */
export interface UpperCache {
  /** As `TokenPort.recall`. */
  recall(mode: Mode, start: PageIndex, end: PageIndex): boolean;
  /** The size has changed: calls `done` when the file is not shown with the former size any more. */
  resize(fromBytes: ByteOffset, toBytes: ByteOffset, done: () => void): void;
  /** Calls `done` when what programs have stored above is in the node's cache, or that cannot be had soon. */
  flush(done: () => void): void;
  /** Has it drop pages that are about to be given up; calls `done` when it has, or that cannot be had soon. */
  drop(start: PageIndex, end: PageIndex, done: () => void): void;
  /** Has the home hear what programs above have changed beside the bytes; calls `done` when it has confirmed that. */
  tellChanges(done: () => void): void;
}

export const noUpperCache: UpperCache = {
  recall: () => true,
  resize: (_from, _to, done) => done(),
  flush: (done) => done(),
  drop: (_start, _end, done) => done(),
  tellChanges: (done) => done(),
};
