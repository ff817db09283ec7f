import { RetainedPages } from "../core/token/retained-pages.js";
import { TokenRanges } from "../core/token-ranges.js";
import { type ByteOffset, type Epoch, Mode, type PageIndex, pageAt, pageBytes, pageEndAt } from "../core/units.js";
import type { PageCache } from "../mapping/page-cache.js";
import type { FileFrames } from "./file-frames.js";
import { type PageAttic, scratchPage } from "./page-attic.js";

interface RetainedPage {
  readonly page: PageIndex;
  readonly version: Epoch;
  readonly write: number;
  readonly slot: number;
}

/** One file's pages for which this node answers (R20), with their bytes: in the cache, or in the attic. */
export class Retention {
  readonly #cache: PageCache;
  readonly #attic: PageAttic;
  readonly #frames: FileFrames;
  readonly #pages: RetainedPages;
  #hasLost = false;
  #restoreLast = 0;

  constructor(cache: PageCache, attic: PageAttic, frames: FileFrames) {
    this.#cache = cache;
    this.#attic = attic;
    this.#frames = frames;
    this.#pages = new RetainedPages({
      keep: (page) => this.#keep(page),
      free: (slot) => attic.free(slot),
      nextWrite: () => attic.nextWrite(),
    });
  }

  takeLoss(): boolean {
    const hasLost = this.#hasLost;
    this.#hasLost = false;
    return hasLost;
  }

  get isEmpty(): boolean {
    return this.#pages.isEmpty;
  }

  /** The pages are being sent to the home. @returns the number of the write. */
  wrote(start: PageIndex, end: PageIndex): number {
    return this.#pages.wrote(start, end);
  }

  /** The pages have come from the home, which has not got them on stable storage. */
  received(start: PageIndex, end: PageIndex, epoch: Epoch): void {
    this.#pages.received(start, end, epoch);
  }

  /** The pages are about to be evicted, clean. */
  leaving(start: PageIndex, end: PageIndex, epoch: Epoch): void {
    this.#pages.leaving(start, end, epoch);
  }

  /** The file has this size: what lies beyond is nobody's any more, nor is the tail of the last page (R7). */
  onResize(sizeBytes: ByteOffset): void {
    this.#pages.forget(pageEndAt(sizeBytes), Number.POSITIVE_INFINITY);
    const slot = this.#pages.slotOf(pageAt(sizeBytes));
    if (slot >= 0) this.#attic.cut(slot, sizeBytes % pageBytes);
  }

  /**
   * The range has been lost to others: drops its pages, and reports those with stores that the home is not known to have:
   * the dirty ones, and those that were sent and may never have arrived.
   */
  drop(start: PageIndex, end: PageIndex, report: (start: PageIndex, end: PageIndex) => void): void {
    const cache = this.#cache;
    const lost = new TokenRanges();
    for (let page = cache.nextDirty(start, end); page < end; ) {
      const runEnd = cache.nextClean(page, end);
      lost.set(page, runEnd, Mode.write, 0);
      page = cache.nextDirty(runEnd, end);
    }
    this.#pages.each(0, (page, _version, write) => {
      const isUnsent = write > this.#frames.takenWrite && page >= start && page < end;
      if (isUnsent) lost.set(page, page + 1, Mode.write, 0);
    });
    cache.evict(start, end);
    this.#pages.forget(start, end);
    this.#hasLost ||= lost.count > 0;
    for (let index = 0; index < lost.count; index++) report(lost.start(index), lost.end(index));
  }

  clear(): void {
    this.#pages.clear();
  }

  beginSync(): number {
    return this.#pages.beginSync();
  }

  synced(sync: number): void {
    this.#pages.synced(sync);
  }

  /**
   * The home could not make it durable: what is still here counts as dirty again, so that the next sync sends it anew. Only
   * where this node may write: a page that it only reads would go out as a write that the home refuses, and then its copy
   * bears the number of a write that never was.
   */
  sendAgain(mayWrite: (page: PageIndex) => boolean): void {
    this.#pages.each(0, (page, _version, write, slot) => {
      if (slot < 0 && write > 0 && mayWrite(page)) this.#cache.markDirty(page, page + 1);
    });
  }

  /**
   * Sends everything again, to a home that may have lost it. `epoch` is the newest heard of; `onRoom` is given what goes on
   * when the connection has room again, `onSent` is called behind the last page.
   */
  restore(epoch: Epoch, onRoom: (goOn: () => void) => void, onSent: () => void): void {
    const run = ++this.#restoreLast;
    const pages: RetainedPage[] = [];
    this.#pages.each(epoch, (page, version, write, slot) => pages.push({ page, version, write, slot }));
    const send = (from: number): void => {
      if (run !== this.#restoreLast) return; // The connection broke meanwhile, and all is sent anew.
      for (let index = from; index < pages.length; index++) {
        if (!this.#frames.hasRoom(pageBytes)) return onRoom(() => send(index));
        const { page, version, write } = pages[index];
        const slot = this.#slotNow(pages[index]);
        if (slot === undefined) continue;
        const address = this.#frames.restore(page, version, write, pageBytes);
        if (slot < 0) this.#cache.readBytes(page, address, pageBytes);
        else this.#attic.read(slot, address);
      }
      onSent();
    };
    send(0);
  }

  /** Where the page is by now: it may have left the cache since the list was made. Undefined: it is nobody's duty here. */
  #slotNow({ page, slot }: RetainedPage): number | undefined {
    if (slot >= 0 || this.#cache.isCached(page)) return slot;
    const kept = this.#pages.slotOf(page);
    return kept < 0 ? undefined : kept;
  }

  #keep(page: PageIndex): number {
    this.#cache.readBytes(page, scratchPage().address, pageBytes);
    return this.#attic.keep(scratchPage().address);
  }
}
