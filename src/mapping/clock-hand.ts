import { PageBit, type PageStates } from "./page-states.js";

/** Cold pages reported at a time, and warm ones unmapped at a time. */
const runPages = 256;

/**
 * The clock algorithm over a file's cached pages: who was not touched for one turn of the hand is cold. Only shared views
 * are unmapped for it: in private ones that would cost a copy of each page, so a page that is only read through those
 * counts as touched when it was mapped, and no later.
 */
export class ClockHand {
  start = 0;
  end = 0;
  readonly #states: PageStates;
  readonly #unmap: (start: number, end: number) => void;
  #page = 0;

  constructor(states: PageStates, unmap: (start: number, end: number) => void) {
    this.#states = states;
    this.#unmap = unmap;
  }

  /** See `PageCache.sweep`. */
  sweep(pageCount: number, endPage: number): boolean {
    for (let looked = 0; looked < pageCount; ) {
      const page = this.#nextCached(endPage);
      if (page < 0) return false;
      const warm = this.#states.get(page) & PageBit.referenced;
      const runMax = Math.min(endPage, page + Math.min(runPages, pageCount - looked));
      const mask = PageBit.cached | PageBit.referenced;
      const end = this.#states.nextUnlike(page, runMax, mask, PageBit.cached | warm);
      this.#page = end;
      if (warm === 0) {
        this.start = page;
        this.end = end;
        return true;
      }
      this.#states.update(page, end, PageBit.referenced, PageBit.referenced, 0);
      this.#unmap(page, end);
      looked += end - page;
    }
    return false;
  }

  /** The next cached page at or after the hand, going round once; -1 when nothing is cached. */
  #nextCached(endPage: number): number {
    for (let round = 0; round < 2; round++) {
      const page = this.#states.next(this.#page, endPage, PageBit.cached, PageBit.cached);
      if (page < endPage) return page;
      this.#page = 0;
    }
    return -1;
  }
}
