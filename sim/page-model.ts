import { type PageIndex, pageEndAt } from "../src/core/units.js";
import { wordBytes, wordsPerPage } from "./sim-file.js";
import { requireTrue } from "./violation.js";

/** One node's page cache, reduced to what the rules speak of. */
export class PageModel {
  readonly pagesMax: number;
  readonly words: Int32Array;
  readonly cached: Uint8Array;
  readonly writable: Uint8Array;
  readonly dirty: Uint8Array;
  /** Whether a thread reads it without a fault of any kind; else the first touch is a MINOR fault. */
  readonly mapped: Uint8Array;
  sizeBytes = 0;

  constructor(pagesMax: number) {
    this.pagesMax = pagesMax;
    this.words = new Int32Array(pagesMax * wordsPerPage);
    this.cached = new Uint8Array(pagesMax);
    this.writable = new Uint8Array(pagesMax);
    this.dirty = new Uint8Array(pagesMax);
    this.mapped = new Uint8Array(pagesMax);
  }

  get pageEnd(): PageIndex {
    return pageEndAt(this.sizeBytes);
  }

  nextCached(page: PageIndex, end: PageIndex): PageIndex {
    return this.#next(page, end, 1);
  }

  nextUncached(page: PageIndex, end: PageIndex): PageIndex {
    return this.#next(page, end, 0);
  }

  nextDirty(page: PageIndex, end: PageIndex): PageIndex {
    return nextWhere(page, Math.min(end, this.pageEnd), (at) => this.dirty[at] === 1, end);
  }

  nextClean(page: PageIndex, end: PageIndex): PageIndex {
    return nextWhere(page, Math.min(end, this.pageEnd), (at) => this.dirty[at] === 0, Math.min(end, this.pageEnd));
  }

  install(page: PageIndex, words: readonly number[], at: number): void {
    requireTrue(this.cached[page] === 0, "only pages that are not cached are installed");
    requireTrue(page < this.pageEnd, "nothing is installed beyond the end of the file");
    for (let word = 0; word < wordsPerPage; word++) this.words[page * wordsPerPage + word] = words[at + word];
    this.cached[page] = 1;
  }

  allowWrite(page: PageIndex): void {
    requireTrue(this.cached[page] === 1, "only a cached page becomes writable");
    this.writable[page] = 1;
    this.dirty[page] = 1;
    this.mapped[page] = 1;
  }

  /** No store gets through; what is dirty stays so. */
  protect(start: PageIndex, end: PageIndex): void {
    this.writable.fill(0, start, end);
  }

  evict(start: PageIndex, end: PageIndex): void {
    for (let page = start; page < Math.min(end, this.pagesMax); page++) {
      requireTrue(this.dirty[page] === 0, "R2: no page is evicted before it is written back");
      this.#forget(page);
    }
  }

  /** As a page cache does: what is beyond the end goes, and the tail of the last page is zero (R5, R7). */
  setSize(sizeBytes: number): void {
    this.words.fill(0, Math.min(sizeBytes, this.sizeBytes) / wordBytes);
    this.sizeBytes = sizeBytes;
    for (let page = this.pageEnd; page < this.pagesMax; page++) this.#forget(page);
  }

  clear(): void {
    for (let page = 0; page < this.pagesMax; page++) this.#forget(page);
  }

  /** `r` cached, `R` cached and not mapped, `w` writable, `d` dirty but protected, `.` not cached. */
  describe(): string {
    let line = "";
    for (let page = 0; page < this.pageEnd; page++) {
      if (this.cached[page] === 0) line += ".";
      else if (this.writable[page] === 1) line += "w";
      else if (this.dirty[page] === 1) line += "d";
      else line += this.mapped[page] === 1 ? "r" : "R";
    }
    return line;
  }

  #next(page: PageIndex, end: PageIndex, cached: number): PageIndex {
    let at = page;
    while (at < end && (at < this.pagesMax ? this.cached[at] : 0) !== cached) {
      if (at >= this.pagesMax) return cached === 0 ? at : end;
      at++;
    }
    return at;
  }

  #forget(page: PageIndex): void {
    this.cached[page] = 0;
    this.writable[page] = 0;
    this.dirty[page] = 0;
    this.mapped[page] = 0;
  }
}

function nextWhere(page: PageIndex, end: PageIndex, is: (page: PageIndex) => boolean, none: PageIndex): PageIndex {
  for (let at = page; at < end; at++) if (is(at)) return at;
  return none;
}
