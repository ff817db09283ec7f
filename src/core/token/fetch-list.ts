import type { TokenRanges } from "../token-ranges.js";
import type { Epoch, PageIndex } from "../units.js";

interface Fetch {
  readonly request: number;
  start: PageIndex;
  readonly end: PageIndex;
  epoch: Epoch;
}

/**
 * Pages under way from the home. They are good where the token has been held without a break since the epoch of their
 * request, and where this node has had no copy of its own since (R9):
 *
 * 1. A fetch is sent under a token of epoch 5; the home reads the page.
 * 2. The token is revoked, another node writes, the token comes back at epoch 9.
 * 3. The answer of 1 arrives: epoch 5 is older than the token's, the bytes are dropped.
 *
 * And without another node: 1. two requests cover a page; 2. the first answer arrives, the page is written, written back
 * and evicted; 3. the second answer was read before that, and must not be installed. `drop` sees to it.
 */
export class FetchList {
  #fetches: Fetch[] = [];

  add(request: number, start: PageIndex, end: PageIndex, epoch: Epoch): void {
    if (start < end) this.#fetches.push({ request, start, end, epoch });
  }

  /** Whether good bytes for this page are under way, in answer to `request` or, without one, to any. */
  isComing(page: PageIndex, held: TokenRanges, request?: number): boolean {
    const epoch = held.epochAt(page);
    if (epoch === 0) return false;
    for (const fetch of this.#fetches) {
      if (request !== undefined && fetch.request !== request) continue;
      if (page >= fetch.start && page < fetch.end && epoch <= fetch.epoch) return true;
    }
    return false;
  }

  /** The pages up to `end` have come; `more` follow. */
  arrived(request: number, end: PageIndex, more: boolean): void {
    for (const fetch of this.#fetches) if (fetch.request === request) fetch.start = Math.max(fetch.start, end);
    this.#fetches = this.#fetches.filter((fetch) => fetch.start < fetch.end && (more || fetch.request !== request));
  }

  /** The request fails: `onRange` hears what is not coming. */
  fail(request: number, onRange: (start: PageIndex, end: PageIndex) => void): void {
    for (const fetch of this.#fetches) if (fetch.request === request) onRange(fetch.start, fetch.end);
    this.#fetches = this.#fetches.filter((fetch) => fetch.request !== request);
  }

  /** What is under way for [start, end) is no longer good. */
  drop(start: PageIndex, end: PageIndex): void {
    if (!this.#fetches.some((fetch) => fetch.start < end && fetch.end > start)) return;
    const fetches = this.#fetches;
    this.#fetches = [];
    for (const { request, epoch, start: first, end: last } of fetches) {
      this.add(request, first, Math.min(last, start), epoch);
      this.add(request, Math.max(first, end), last, epoch);
    }
  }

  /**
   * A grant of `epoch` raises what is held. What is under way for a range that was held all the time stays good, though the
   * epoch of its token rises.
   */
  renew(held: TokenRanges, epoch: Epoch, raise: () => void): void {
    const good = this.#fetches.filter((fetch) => held.newest(fetch.start, fetch.end) <= fetch.epoch);
    raise();
    for (const fetch of good) fetch.epoch = epoch;
  }

  /** The first page of [start, end) that is under way, or `end`. */
  firstIn(start: PageIndex, end: PageIndex): PageIndex {
    let first = end;
    for (const fetch of this.#fetches) {
      if (fetch.end > start && fetch.start < first) first = Math.max(start, fetch.start);
    }
    return first;
  }

  describe(): string {
    return (
      this.#fetches.map(({ request, start, end, epoch }) => `${start}..${end} @${epoch} #${request}`).join(", ") ||
      "none"
    );
  }

  clear(): void {
    this.#fetches = [];
  }
}
