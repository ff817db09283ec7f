import type { Epoch, Mode, PageIndex } from "../units.js";

/**
 * What a file's token machine tells its shell to do, in the order of the calls: towards the home, and towards the page
 * cache. All calls are synchronous and must not call back into the machine.
 */
export interface TokenPort {
  /** Send an `acquire`. */
  acquire(
    request: number,
    mode: Mode,
    needStart: PageIndex,
    needEnd: PageIndex,
    wantStart: PageIndex,
    wantEnd: PageIndex,
    windowEnd: PageIndex,
    needsData: boolean,
    isUrgent: boolean,
  ): void;
  /** Send a `fetch` for pages under a token that is held. */
  fetch(request: number, start: PageIndex, end: PageIndex, epoch: Epoch): void;
  /** Send a `release`, behind every write-back that was sent before it. */
  release(mode: Mode, start: PageIndex, end: PageIndex, epoch: Epoch): void;

  isCached(page: PageIndex): boolean;
  /** The first page at or after `page`, before `end`, that is cached; `end` when there is none. */
  nextCached(page: PageIndex, end: PageIndex): PageIndex;
  /** The first page at or after `page`, before `end`, that is not cached; `end` when there is none. */
  nextUncached(page: PageIndex, end: PageIndex): PageIndex;
  /**
   * Lets the threads that wait on this cached page run; `write` says whether stores are allowed. `waited` tells that the
   * home had to be asked: `hasRun` will be asked about this page.
   */
  resolve(page: PageIndex, write: boolean, waited: boolean): void;
  /** Whether the threads that `resolve` let on at this page have run since, and so made progress (R10). */
  hasRun(page: PageIndex): boolean;
  /**
   * Has every cache above this one (the kernel's, on a mount) drop what it may not keep when no more than `mode` is held on
   * [start, end), and write it back into this one first.
   *
   * @returns false while some of it is still there: the shell calls `onTime` when that has changed.
   */
  recall(mode: Mode, start: PageIndex, end: PageIndex): boolean;
  /**
   * Write-protects [start, end) and sends its dirty pages to the home, each kept here until the home has taken it.
   *
   * @returns false when the connection has no room for all: the shell calls `onTime` when it has.
   */
  writeBack(start: PageIndex, end: PageIndex): boolean;
  /** Drops [start, end), clean or written back, from every page table and from the cache (COWed private pages live on). */
  evict(start: PageIndex, end: PageIndex): void;
  /** Lets threads that wait on this page run without a page: they fault again and look again. */
  retry(page: PageIndex): void;
  /** A `pin` has all it asked for. */
  pinned(pin: number): void;
  /** The home could not read a page that a `pin` waits for. It is asked again after a second, unless the pin is taken back. */
  pinFailed(pin: number): void;
}
