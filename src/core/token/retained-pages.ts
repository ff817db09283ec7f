import { TokenRanges } from "../token-ranges.js";
import { type Epoch, Mode, type PageIndex } from "../units.js";

/** Where the bytes of pages that have left the cache are kept. */
export interface Attic {
  /** Keeps a copy of a cached page. @returns where. */
  keep(page: PageIndex): number;
  free(slot: number): void;
}

interface KeptPage {
  readonly slot: number;
  readonly version: Epoch;
}

/** What became this node's duty between two syncs. */
interface Generation {
  /** Pages whose bytes are in the cache, with the epoch under which they were written or received. */
  readonly cached: TokenRanges;
  /** Pages that have left it. */
  readonly kept: Map<PageIndex, KeptPage>;
}

/**
 * R20: the pages for which this node answers until the home has them on stable storage: those it wrote and handed over,
 * and those it received while they were unstable. A page in the cache is its own copy; one that leaves the cache leaves
 * a copy in the attic. A sync that succeeds ends the duty for what had come before it was asked.
 *
 * The version of a page is the epoch of the token that it was written or received under. Epochs rise with every grant,
 * so of two versions the one with the higher epoch is the newer, or they are the same.
 */
export class RetainedPages {
  readonly #attic: Attic;
  /** Oldest first; the last is open, the others wait for their sync. */
  #generations: Generation[] = [emptyGeneration()];
  #firstNumber = 0;

  constructor(attic: Attic) {
    this.#attic = attic;
  }

  get isEmpty(): boolean {
    return this.#generations.every(({ cached, kept }) => cached.count === 0 && kept.size === 0);
  }

  get keptPages(): number {
    return this.#generations.reduce((count, { kept }) => count + kept.size, 0);
  }

  /** These cached pages have been handed to the home, or came from it unstable. */
  add(start: PageIndex, end: PageIndex, version: Epoch): void {
    this.#forget(start, end);
    this.#open.cached.set(start, end, Mode.read, version);
  }

  /** Pages are about to leave the cache, clean. Their copies go to the attic where they must. */
  leaving(start: PageIndex, end: PageIndex): void {
    for (const { cached, kept } of this.#generations) {
      for (let index = cached.firstEndingAfter(start); index < cached.count && cached.start(index) < end; index++) {
        const version = cached.epoch(index);
        const stop = Math.min(cached.end(index), end);
        for (let page = Math.max(cached.start(index), start); page < stop; page++) {
          kept.set(page, { slot: this.#attic.keep(page), version });
        }
      }
      cached.set(start, end, Mode.none, 0);
    }
  }

  /** Pages beyond the end of file are nobody's duty any more. */
  truncated(start: PageIndex, end: PageIndex): void {
    this.#forget(start, end);
  }

  /** A sync is about to be asked. @returns its number, for `synced` or `syncFailed`. */
  beginSync(): number {
    this.#generations.push(emptyGeneration());
    return this.#firstNumber + this.#generations.length - 2;
  }

  /** The home has this sync's pages, and all before it, on stable storage. */
  synced(number: number): void {
    while (this.#firstNumber <= number && this.#generations.length > 1) {
      const [oldest] = this.#generations.splice(0, 1);
      for (const { slot } of oldest.kept.values()) this.#attic.free(slot);
      this.#firstNumber++;
    }
  }

  /** What is to be sent again, as it was under which version: from the cache (slot -1), or from the attic. */
  each(act: (page: PageIndex, version: Epoch, slot: number) => void): void {
    for (const { cached, kept } of this.#generations) {
      for (const [page, { slot, version }] of kept) act(page, version, slot);
      for (let index = 0; index < cached.count; index++) {
        for (let page = cached.start(index); page < cached.end(index); page++) act(page, cached.epoch(index), -1);
      }
    }
  }

  /** The session is lost, and with it the right to send anything of it. */
  clear(): void {
    this.synced(Number.POSITIVE_INFINITY);
    this.#forget(0, Number.POSITIVE_INFINITY);
  }

  get #open(): Generation {
    return this.#generations[this.#generations.length - 1];
  }

  /** A newer version takes the place of older ones. */
  #forget(start: PageIndex, end: PageIndex): void {
    for (const { cached, kept } of this.#generations) {
      cached.set(start, end, Mode.none, 0);
      if (kept.size === 0) continue;
      if (end - start === 1) this.#free(kept, start);
      else for (const page of kept.keys()) if (page >= start && page < end) this.#free(kept, page);
    }
  }

  #free(kept: Map<PageIndex, KeptPage>, page: PageIndex): void {
    const found = kept.get(page);
    if (found === undefined) return;
    this.#attic.free(found.slot);
    kept.delete(page);
  }
}

function emptyGeneration(): Generation {
  return { cached: new TokenRanges(), kept: new Map() };
}
