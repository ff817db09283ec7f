import { TokenRanges } from "../token-ranges.js";
import { type Epoch, Mode, type PageIndex } from "../units.js";

/** Where the bytes of pages that have left the cache are kept. */
export interface Attic {
  /** Keeps a copy of a cached page. @returns where. */
  keep(page: PageIndex): number;
  free(slot: number): void;
  /** Numbers of writes rise for as long as the session lasts, over the closing and opening of the file. */
  nextWrite(): number;
}

interface KeptPage {
  readonly slot: number;
  readonly version: Epoch;
  readonly write: number;
}

/** What became this node's duty between two syncs. */
interface Generation {
  /** Pages in the cache that this node wrote; in the place of the epoch, the number of the write. */
  readonly written: TokenRanges;
  /** Pages in the cache that came from the home unstable. */
  readonly received: TokenRanges;
  /** Pages that this node wrote and that have left the cache. */
  readonly kept: Map<PageIndex, KeptPage>;
}

/** Tells of one page to be sent again. `slot` -1: from the cache. `write` 0: the page was received, not written here. */
export type RetainedSink = (page: PageIndex, version: Epoch, write: number, slot: number) => void;

/**
 * R20: the pages for which this node answers until the home has them on stable storage: those it wrote and handed over,
 * and those it holds that were unstable when they came. A page in the cache is its own copy; one that was written here
 * leaves a copy in the attic when it leaves the cache. A received one leaves none: whoever took it has the duty now, and
 * who wrote it still has a copy. A sync that succeeds ends the duty for what had come before it was asked.
 *
 * A node numbers its writes to a file; the home puts on record which of them are stable, so that after a power failure
 * an old version is never restored over a newer one. Among versions that are not stable, the epoch decides: epochs rise
 * with every grant, so the one that was written or received under the higher epoch is the newer, or they are the same.
 */
export class RetainedPages {
  readonly #attic: Attic;
  /** Oldest first; the last is open, the others wait for their sync. */
  readonly #generations: Generation[] = [emptyGeneration()];
  #firstNumber = 0;

  constructor(attic: Attic) {
    this.#attic = attic;
  }

  get isEmpty(): boolean {
    return this.#generations.every(
      ({ written, received, kept }) => written.count === 0 && received.count === 0 && kept.size === 0,
    );
  }

  get keptPages(): number {
    return this.#generations.reduce((count, { kept }) => count + kept.size, 0);
  }

  /** These cached pages are being handed to the home. @returns the number of this write. */
  wrote(start: PageIndex, end: PageIndex): number {
    const write = this.#attic.nextWrite();
    this.forget(start, end);
    this.#open.written.set(start, end, Mode.write, write);
    return write;
  }

  /** These pages have come from the home, which has not put them on stable storage yet. */
  received(start: PageIndex, end: PageIndex, epoch: Epoch): void {
    this.#open.received.set(start, end, Mode.read, epoch);
  }

  /** Pages are about to leave the cache, clean; the newest epoch heard of is their version. */
  leaving(start: PageIndex, end: PageIndex, version: Epoch): void {
    for (const { written, received, kept } of this.#generations) {
      for (let index = written.firstEndingAfter(start); index < written.count && written.start(index) < end; index++) {
        const stop = Math.min(written.end(index), end);
        for (let page = Math.max(written.start(index), start); page < stop; page++) {
          kept.set(page, { slot: this.#attic.keep(page), version, write: written.epoch(index) });
        }
      }
      written.set(start, end, Mode.none, 0);
      received.set(start, end, Mode.none, 0);
    }
  }

  /** A newer version has taken the place of these pages, or they lie beyond the end of file. */
  forget(start: PageIndex, end: PageIndex): void {
    for (const { written, received, kept } of this.#generations) {
      written.set(start, end, Mode.none, 0);
      received.set(start, end, Mode.none, 0);
      if (kept.size === 0) continue;
      if (end - start === 1) this.#free(kept, start);
      else for (const page of [...kept.keys()]) if (page >= start && page < end) this.#free(kept, page);
    }
  }

  /** A sync is about to be asked. @returns its number, for `synced`. */
  beginSync(): number {
    this.#generations.push(emptyGeneration());
    return this.#firstNumber + this.#generations.length - 2;
  }

  /** The home has this sync's pages, and all before it, on stable storage. */
  synced(number: number): void {
    while (this.#firstNumber <= number && this.#generations.length > 1) {
      const oldest = this.#generations.shift();
      for (const { slot } of oldest?.kept.values() ?? []) this.#attic.free(slot);
      this.#firstNumber++;
    }
  }

  /** Everything that is to be sent again. `held` is the version of what is still in the cache. */
  each(held: Epoch, act: RetainedSink): void {
    for (const { written, received, kept } of this.#generations) {
      for (const [page, { slot, version, write }] of kept) act(page, version, write, slot);
      for (let index = 0; index < written.count; index++) {
        for (let page = written.start(index); page < written.end(index); page++) {
          act(page, held, written.epoch(index), -1);
        }
      }
      for (let index = 0; index < received.count; index++) {
        for (let page = received.start(index); page < received.end(index); page++)
          act(page, received.epoch(index), 0, -1);
      }
    }
  }

  /** For people: what is kept, and of which write, by the sync that ends it. `bytes` tells what is in a slot of the attic. */
  describe(bytes: (slot: number) => string): string {
    const line = this.#generations.map(({ written, received, kept }) => {
      const copies = [...kept].map(
        ([page, { slot, version, write }]) => `${page} @${version} !${write} = ${bytes(slot)}`,
      );
      const own: string[] = [];
      written.each((_mode, start, end, write) => own.push(`${start}..${end} !${write}`));
      received.each((_mode, start, end, epoch) => own.push(`${start}..${end} from @${epoch}`));
      return [...copies, ...own].join(", ");
    });
    return line.join(" | ");
  }

  /** Where the attic has a copy of this page; -1 when it has none. */
  slotOf(page: PageIndex): number {
    for (const { kept } of this.#generations) {
      const found = kept.get(page);
      if (found !== undefined) return found.slot;
    }
    return -1;
  }

  /** The session is lost, and with it the right to send anything of it. */
  clear(): void {
    this.forget(0, Number.POSITIVE_INFINITY);
    this.synced(Number.POSITIVE_INFINITY);
  }

  get #open(): Generation {
    return this.#generations[this.#generations.length - 1];
  }

  #free(kept: Map<PageIndex, KeptPage>, page: PageIndex): void {
    const found = kept.get(page);
    if (found === undefined) return;
    this.#attic.free(found.slot);
    kept.delete(page);
  }
}

function emptyGeneration(): Generation {
  return { written: new TokenRanges(), received: new TokenRanges(), kept: new Map() };
}
