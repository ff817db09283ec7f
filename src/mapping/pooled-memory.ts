import { memcpy, memset } from "../kernel/libc.js";
import { pageBytes } from "../kernel/page-size.js";
import { Backing, type Extent, type ExtentPool, extentPages } from "./extent-pool.js";
import type { PageMemory } from "./page-memory.js";

/** So many pages at once, and it is a stream. */
const streamPagesMin = 16;

/** The pages of a cache that nobody maps: in extents of a pool, which are faster to fill and to drop than a memfd. */
export class PooledMemory implements PageMemory {
  readonly #pool: ExtentPool;
  /** By the index of their first page in extents. */
  readonly #extents = new Map<number, Extent>();
  #lastIndex = -1;
  #last: Extent | undefined;

  constructor(pool: ExtentPool) {
    this.#pool = pool;
  }

  aliasAddress(page: number, pageCount = 1): number {
    return this.#addressIn(this.#extentOf(page, pageCount), page);
  }

  receiveAddress(page: number, pageCount: number): number {
    const extent = this.#extentOf(page, pageCount);
    this.#pool.pin(extent);
    return this.#addressIn(extent, page);
  }

  contiguousEnd(page: number): number {
    return (Math.floor(page / extentPages) + 1) * extentPages;
  }

  write(page: number, from: number, byteLength: number): void {
    this.#eachPiece(page, byteLength, (piecePage, done, count) => {
      memcpy(this.#addressIn(this.#extentOf(piecePage, count / pageBytes), piecePage), from + done, count);
    });
  }

  read(page: number, to: number, byteLength: number): void {
    this.#eachPiece(page, byteLength, (piecePage, done, count) => {
      const isHere = this.#find(Math.floor(piecePage / extentPages)) !== undefined;
      if (isHere) memcpy(to + done, this.aliasAddress(piecePage), count);
      else memset(to + done, 0, count);
    });
  }

  filled(start: number, end: number): void {
    this.#eachExtent(start, end, (extent, _index, first, last) => this.#pool.fill(extent, first, last));
  }

  /**
   * An extent goes with its last page; but not while something is received into it:
   *
   * 1. Half of page 3 has come. 2. Page 0, which is all else that is there, is revoked. 3. The other half comes, and page 3 is
   * looked for in the extent that the file has by then: in memory that holds anything but its bytes.
   */
  punch(start: number, end: number): void {
    this.#eachExtent(start, end, (extent, index, first, last) => {
      if (this.#isAllOf(extent, first, last) && !this.#pool.isPinned(extent)) this.#give(index, extent);
      else this.#pool.drop(extent, first, last);
    });
  }

  close(): void {
    for (const [index, extent] of this.#extents) this.#give(index, extent);
  }

  /** Whether nothing else is in the extent. */
  #isAllOf({ backing, filledPages }: Extent, first: number, last: number): boolean {
    let filled = 0;
    for (let page = first; page < last; page++) if (backing[page] === Backing.filled) filled++;
    return filled === filledPages;
  }

  /** `pageCount`: of those that are about to be put there. */
  #extentOf(page: number, pageCount: number): Extent {
    const index = Math.floor(page / extentPages);
    return this.#find(index) ?? this.#add(index, pageCount >= streamPagesMin);
  }

  #addressIn({ address }: Extent, page: number): number {
    return address + (page % extentPages) * pageBytes;
  }

  #find(index: number): Extent | undefined {
    if (index === this.#lastIndex) return this.#last;
    this.#last = this.#extents.get(index);
    this.#lastIndex = index;
    return this.#last;
  }

  #add(index: number, isStream: boolean): Extent {
    const extent = this.#pool.take(isStream);
    this.#extents.set(index, extent);
    this.#lastIndex = index;
    this.#last = extent;
    return extent;
  }

  #give(index: number, extent: Extent): void {
    this.#extents.delete(index);
    this.#lastIndex = -1;
    this.#last = undefined;
    this.#pool.give(extent);
  }

  /** Calls `act` for each extent that has pages of the range, with which of its pages those are. */
  #eachExtent(
    start: number,
    end: number,
    act: (extent: Extent, index: number, first: number, last: number) => void,
  ): void {
    const [low, high] = [Math.floor(start / extentPages), Math.ceil(end / extentPages)];
    const visit = (index: number, extent: Extent) => {
      const base = index * extentPages;
      act(extent, index, Math.max(start - base, 0), Math.min(end - base, extentPages));
    };
    if (high - low > this.#extents.size) {
      for (const [index, extent] of this.#extents) if (index >= low && index < high) visit(index, extent);
      return;
    }
    for (let index = low; index < high; index++) {
      const extent = this.#find(index);
      if (extent !== undefined) visit(index, extent);
    }
  }

  #eachPiece(page: number, byteLength: number, act: (page: number, done: number, count: number) => void): void {
    for (let done = 0, at = page; done < byteLength; ) {
      const count = Math.min(byteLength - done, (this.contiguousEnd(at) - at) * pageBytes);
      act(at, done, count);
      done += count;
      at = this.contiguousEnd(at);
    }
  }
}
