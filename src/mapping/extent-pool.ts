import { madvise } from "../kernel/libc.js";
import { mapForThread } from "../kernel/native-buffer.js";
import { pageBytes } from "../kernel/page-size.js";

/** As large as the huge pages of x86-64 and arm64. */
export const extentPages = 512;
const extentBytes = extentPages * pageBytes;
/** Mapped at a time: so much address space, and memory only where pages are put. */
const regionExtents = 64;

const mapNoReserve = 0x4000;
const madvDontNeed = 4;
const madvHugePage = 14;
const madvNoHugePage = 15;

/** Of what a cache may have: so much may lie idle in extents that are used, and in those that are not. */
const slackShare = 1 / 16;
const warmShare = 1 / 4;
/**
 * Of what may lie idle in extents that are used: so much in pages that were dropped; and in many at once only so much, that there
 * is room for few. To evict an extent piece by piece needs little of it.
 */
const keptShare = 1 / 2;
const keptRunShare = 1 / 4;
const fewPagesMax = 16;
/** For so long memory that nobody wants is kept. Then it goes, not all at once: that would keep everybody waiting. */
const keepMicros = 10_000_000;
const trimExtents = 8;
const trimMicros = 20_000;

/** What is known of one page of an extent. */
export const Backing = {
  /** No memory is behind it, as far as is known. */
  bare: 0,
  /** There is, and nobody's bytes are in it. */
  slack: 1,
  filled: 2,
} as const;

/** Address space for some neighbouring pages of a file. */
export interface Extent {
  readonly address: number;
  /** A `Backing` for each page. */
  readonly backing: Uint8Array;
  filledPages: number;
  slackPages: number;
  /** Given back, and still pinned. */
  isOrphan: boolean;
}

/**
 * Memory for the pages of many files, in extents that are used again: what the kernel takes for a page that is touched for the
 * first time (a fault, zeros) is three times what it takes to copy a page there. So an extent that is given back keeps its
 * memory for the next, within limits; and one that a stream is about to fill gets a huge page, where the system has such.
 */
export class ExtentPool {
  readonly #slackPagesMax: number;
  readonly #warmPagesMax: number;
  /** With memory behind them, and without. */
  readonly #warm: Extent[] = [];
  readonly #bare: Extent[] = [];
  #warmPages = 0;
  #usedSlackPages = 0;
  #pinned: Extent | undefined;
  /** Whether extents came or went since the last look. */
  #isBusy = false;
  #trimAt = 0;

  /** `cachePages`: how many pages are to be cached at most. */
  constructor(cachePages: number) {
    this.#slackPagesMax = cachePages * slackShare;
    this.#warmPagesMax = cachePages * warmShare;
  }

  /** Memory that is here and holds no page. */
  get slackPages(): number {
    return this.#warmPages + this.#usedSlackPages;
  }

  /** `isStream`: most of it is about to be filled. */
  take(isStream: boolean): Extent {
    this.#isBusy = true;
    const hasRoom = this.#usedSlackPages + extentPages <= this.#slackPagesMax;
    const warm = hasRoom ? this.#warm.pop() : undefined;
    if (warm !== undefined) {
      this.#warmPages -= warm.slackPages;
      this.#usedSlackPages += warm.slackPages;
      return warm;
    }
    const extent = this.#bare.pop() ?? this.#map();
    const isHuge = isStream && hasRoom;
    // Where the system has no huge pages, the advice fails and pages count as slack that are bare: no harm is done.
    madvise(extent.address, extentBytes, isHuge ? madvHugePage : madvNoHugePage);
    if (isHuge) this.#setBacking(extent, 0, extentPages, Backing.slack);
    return extent;
  }

  fill(extent: Extent, start: number, end: number): void {
    this.#setBacking(extent, start, end, Backing.filled);
  }

  /**
   * The extent goes on being used, without these, which keep their memory within limits: they may come back, as what goes back and
   * forth does; or the rest of the extent is dropped next, and all of it used again. Pages that hold nothing keep theirs anyway:
   * where a file grows, what lies behind its end is dropped each time, and filled right after.
   */
  drop(extent: Extent, start: number, end: number): void {
    if (isSlack(extent, start, end)) return;
    const share = end - start <= fewPagesMax ? keptShare : keptRunShare;
    const fits = this.#usedSlackPages + end - start <= this.#slackPagesMax * share;
    if (!fits) return this.bare(extent, start, end);
    this.#setBacking(extent, start, end, Backing.slack); // Also what was received in vain, and never filled.
  }

  /** Gives the memory of these pages back to the system. */
  bare(extent: Extent, start: number, end: number): void {
    if (start >= end) return;
    madvise(extent.address + start * pageBytes, (end - start) * pageBytes, madvDontNeed);
    this.#setBacking(extent, start, end, Backing.bare);
  }

  /**
   * Something is being received into the extent, and nothing into any other any more. Nobody else gets it meanwhile:
   *
   * 1. Half of a page has come. 2. The file is closed, and another one gets the extent. 3. The other half comes.
   */
  pin(extent: Extent): void {
    const former = this.#pinned;
    this.#pinned = extent;
    if (former === undefined || !former.isOrphan || former === extent) return;
    former.isOrphan = false;
    this.give(former);
  }

  /** Whether something may be being received into the extent: it has a page that is not filled yet. */
  isPinned(extent: Extent): boolean {
    return extent === this.#pinned;
  }

  /** Nobody uses the extent any more. */
  give(extent: Extent): void {
    extent.isOrphan = extent === this.#pinned;
    if (extent.isOrphan) return;
    for (let page = 0; page < extentPages; page++) {
      if (extent.backing[page] === Backing.filled) this.#setBacking(extent, page, page + 1, Backing.slack);
    }
    if (extent.slackPages > 0 && this.#warmPages + extent.slackPages <= this.#warmPagesMax) {
      this.#isBusy = true;
      this.#usedSlackPages -= extent.slackPages;
      this.#warmPages += extent.slackPages;
      this.#warm.push(extent);
    } else {
      this.bare(extent, 0, extentPages);
      this.#bare.push(extent);
    }
  }

  /** Gives memory that nobody has wanted for a while back to the system. @returns when to look again. */
  onTime(now: number): number {
    if (this.#isBusy) this.#trimAt = now + keepMicros;
    this.#isBusy = false;
    if (this.#warm.length === 0) return Number.POSITIVE_INFINITY;
    if (now < this.#trimAt) return this.#trimAt;
    for (const extent of this.#warm.splice(-trimExtents)) {
      this.#warmPages -= extent.slackPages;
      this.#usedSlackPages += extent.slackPages;
      this.bare(extent, 0, extentPages);
      this.#bare.push(extent);
    }
    this.#trimAt = now + trimMicros;
    return this.#warm.length > 0 ? this.#trimAt : Number.POSITIVE_INFINITY;
  }

  #setBacking(extent: Extent, start: number, end: number, to: number): void {
    const { backing } = extent;
    let [filled, slack] = [0, 0];
    for (let page = start; page < end; page++) {
      const former = backing[page];
      backing[page] = to;
      if (former === Backing.filled) filled--;
      else if (former === Backing.slack) slack--;
    }
    if (to === Backing.filled) filled += end - start;
    else if (to === Backing.slack) slack += end - start;
    extent.filledPages += filled;
    extent.slackPages += slack;
    this.#usedSlackPages += slack;
  }

  /** Lives as long as this thread. @returns one extent, aligned for huge pages; the others are kept. */
  #map(): Extent {
    const bytes = (regionExtents + 1) * extentBytes;
    const address = mapForThread(bytes, mapNoReserve);
    const first = Math.ceil(address / extentBytes) * extentBytes;
    for (let index = regionExtents - 1; index > 0; index--) this.#bare.push(newExtent(first + index * extentBytes));
    return newExtent(first);
  }
}

function isSlack({ backing }: Extent, start: number, end: number): boolean {
  for (let page = start; page < end; page++) if (backing[page] !== Backing.slack) return false;
  return true;
}

function newExtent(address: number): Extent {
  return { address, backing: new Uint8Array(extentPages), filledPages: 0, slackPages: 0, isOrphan: false };
}
