import { Failures } from "../failures.js";
import { TokenRanges } from "../token-ranges.js";
import { type ByteOffset, type Epoch, Mode, type PageIndex, pageAt, pageBytes, pageEndAt } from "../units.js";
import { type RetainedPage, RetainedPages } from "./retained-pages.js";

/** What a file's retention needs of its node: the page cache, the attic, and the connection. */
export interface RetentionPort {
  isCached(page: PageIndex): boolean;
  nextDirty(page: PageIndex, end: PageIndex): PageIndex;
  nextClean(page: PageIndex, end: PageIndex): PageIndex;
  /** The pages count as dirty again: the next write-back sends them. */
  markDirty(start: PageIndex, end: PageIndex): void;
  evict(start: PageIndex, end: PageIndex): void;
  /** Keeps a copy of a cached page in the attic. @returns its slot. */
  keep(page: PageIndex): number;
  free(slot: number): void;
  /** Zeros behind `keepBytes` of a kept page: the file has been cut there (R7). */
  cut(slot: number, keepBytes: number): void;
  /** As of `DutyNumbers`: for as long as the session lasts, over the closing and opening of files. */
  nextDuty(): number;
  seenDuty(): number;
  /** The last duty of which the home is known to have heard, in its present life: it has taken whatever was sent by then. */
  readonly takenDuty: number;
  /** Whether the connection takes one more page. */
  hasRoom(): boolean;
  /** Calls `goOn` when it does again. */
  onRoom(goOn: () => void): void;
  /** Sends a page again: from the attic, or, with slot -1, from the cache. */
  restore(page: PageIndex, version: Epoch, duty: number, slot: number): void;
}

/** One file's pages for which this node answers (R20), and what becomes of them when a connection or a session is lost. */
export class Retention {
  /** Stores that are lost, and reported: no sync must pass over them. */
  readonly losses = new Failures();
  readonly #port: RetentionPort;
  readonly #pages: RetainedPages;
  #restoreLast = 0;

  constructor(port: RetentionPort) {
    this.#port = port;
    this.#pages = new RetainedPages(port);
  }

  get isEmpty(): boolean {
    return this.#pages.isEmpty;
  }

  get keptPages(): number {
    return this.#pages.keptPages;
  }

  /** The pages are being sent to the home. @returns the number of this duty. */
  wrote(start: PageIndex, end: PageIndex): number {
    return this.#pages.wrote(start, end);
  }

  /** The pages have come from the home, `unstable` when it has not got them on stable storage. */
  received(start: PageIndex, end: PageIndex, unstable: boolean): void {
    if (unstable) this.#pages.received(start, end);
    else if (!this.#pages.isEmpty) this.#pages.forget(start, end);
  }

  /** The pages are about to be evicted, clean. */
  leaving(start: PageIndex, end: PageIndex, epoch: Epoch): void {
    this.#pages.leaving(start, end, epoch);
  }

  /** The file has this size: what lies beyond is nobody's any more, nor is the tail of the last page (R7). */
  onResize(sizeBytes: ByteOffset): void {
    this.#pages.forget(pageEndAt(sizeBytes), Number.POSITIVE_INFINITY);
    const slot = this.#pages.slotOf(pageAt(sizeBytes));
    if (slot >= 0) this.#port.cut(slot, sizeBytes % pageBytes);
  }

  /**
   * The range has been lost to others: drops its pages, and reports those with stores that the home is not known to have:
   * the dirty ones, and those that were sent and may never have arrived.
   */
  drop(start: PageIndex, end: PageIndex, report: (start: PageIndex, end: PageIndex) => void): void {
    const port = this.#port;
    const lost = new TokenRanges();
    for (let page = port.nextDirty(start, end); page < end; ) {
      const runEnd = port.nextClean(page, end);
      lost.set(page, runEnd, Mode.write, 0);
      page = port.nextDirty(runEnd, end);
    }
    this.#pages.each(0, ({ page, duty, isOwn }) => {
      const isUnsent = isOwn && duty > port.takenDuty && page >= start && page < end;
      if (isUnsent) lost.set(page, page + 1, Mode.write, 0);
    });
    port.evict(start, end);
    this.#pages.forget(start, end);
    if (lost.count > 0) this.losses.add();
    for (let index = 0; index < lost.count; index++) report(lost.start(index), lost.end(index));
  }

  clear(): void {
    this.cancelRestore();
    this.#pages.clear();
  }

  /**
   * The connection is lost. What waits for room to go on restoring must not do so over the next one, least of all in another
   * session: 1. half of the pages have been sent, the rest waits for room; 2. the session is lost, and what was kept is
   * dropped; 3. in the new session there is room, and bytes of another page are sent, under a token that is held again.
   */
  cancelRestore(): void {
    this.#restoreLast++;
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
    this.#pages.each(0, ({ page, slot, isOwn }) => {
      if (slot < 0 && isOwn && mayWrite(page)) this.#port.markDirty(page, page + 1);
    });
  }

  /**
   * Sends everything again, to a home that may have lost it. `epoch` is the newest heard of; `onSent` is called behind the last
   * page.
   */
  restore(epoch: Epoch, onSent: () => void): void {
    const run = ++this.#restoreLast;
    const pages: RetainedPage[] = [];
    this.#pages.each(epoch, (retained) => pages.push(retained));
    const send = (from: number): void => {
      if (run !== this.#restoreLast) return; // The connection broke meanwhile, and all is sent anew.
      for (let index = from; index < pages.length; index++) {
        if (!this.#port.hasRoom()) return this.#port.onRoom(() => send(index));
        const { page, version, duty } = pages[index];
        const slot = this.#slotNow(pages[index]);
        if (slot !== undefined) this.#port.restore(page, version, duty, slot);
      }
      onSent();
    };
    send(0);
  }

  /** One line for people: what is kept, and for which duty. `bytes` tells what is in a slot of the attic. */
  describe(bytes: (slot: number) => string): string {
    return this.#pages.describe(bytes);
  }

  /** Where the page is by now: it may have left the cache since the list was made. Undefined: it is nobody's duty here. */
  #slotNow({ page, slot }: RetainedPage): number | undefined {
    if (slot >= 0 || this.#port.isCached(page)) return slot;
    const kept = this.#pages.slotOf(page);
    return kept < 0 ? undefined : kept;
  }
}
