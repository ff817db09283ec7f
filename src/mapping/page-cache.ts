import { memset } from "../kernel/libc.js";
import { MemoryFile } from "../kernel/memory-file.js";
import { NativeBuffer } from "../kernel/native-buffer.js";
import { pageBytes } from "../kernel/page-size.js";
import { CacheView, type View, type ViewOptions } from "./cache-view.js";
import { ClockHand } from "./clock-hand.js";
import { copyPages, FaultDesk, zeroPages } from "./fault-desk.js";
import { assert } from "./invariant.js";
import type { PageMemory } from "./page-memory.js";
import { PageBit, PageStates, type PageTotals, waitBits } from "./page-states.js";
import type { PageTables } from "./page-tables.js";

/** The memfd's fixed size: as large as offsets go. Where the file ends is decided in the fault handler. */
const pagesMax = 2 ** 41;
/** Whoever owns the pages of a cache: called on the pager thread, answers at once or later. */
export interface FaultHandler {
  /**
   * A thread touched a page that is not cached; `write` when it stores through a shared view. Called once for a page
   * until that is answered, and once more if a writer comes while readers wait.
   */
  noPage(cache: PageCache, page: number, write: boolean): void;
  /** A store hit a cached page that is not writable. Answer with `allowWrite`, or `evict` and `install`, or `retry`. */
  wpPage(cache: PageCache, page: number): void;
}

export interface PageCacheOptions {
  /** Shown in /proc/PID/maps. */
  readonly name: string;
  readonly sizeBytes: number;
  readonly handler: FaultHandler;
  /** Where its pages are, if nobody is ever to map them. Default: a memfd. */
  readonly memory?: PageMemory | undefined;
}

/**
 * One file's pages on this node: a memfd, the views that show it, and what is known of each page. A cache that is never to
 * have a view may have its pages elsewhere.
 *
 * The memfd is as large as a file can be and is never resized, and the end of file is policed where faults arrive: a
 * touch beyond the memfd's own end would be SIGBUS with no event (R6), and no order of "resize the memfd" and "change
 * the views" is free of a moment at which a thread gets that, or reaches a page that nobody watches.
 *
 * Only the pager thread calls this, so between two of its steps no other page is mapped, protected or dropped; program
 * threads only ever make faults, which wait.
 *
 * Kept true at the end of every verb: a page that is not cached is a hole in the memfd, or bytes that nobody has
 * installed yet; a cached page that is not writable is write-protected in every shared view that maps it; a writable
 * page is dirty; whoever waits is in the list and its page has the `waiting` bit.
 */
export class PageCache {
  readonly name: string;
  /** Called after a touch of a page that was cached but not mapped. */
  onTouch: ((page: number) => void) | undefined;
  /** How far cached pages from `start` on, up to `end`, may be mapped without a touch of each. */
  mapLimit: ((start: number, end: number) => number) | undefined;
  /** Called at a touch that waits for `resume`. */
  onSuspendedTouch: ((page: number) => void) | undefined;
  readonly #memory: PageMemory;
  readonly #states: PageStates;
  readonly #tables: PageTables;
  readonly #desk: FaultDesk;
  readonly #hand: ClockHand;
  readonly #onClose: (cache: PageCache) => void;
  #sizeBytes: number;
  #endPage: number;
  #nextViewId = 1;

  /** Use `pager.createCache`. */
  constructor(tables: PageTables, totals: PageTotals, options: PageCacheOptions, onClose: (cache: PageCache) => void) {
    this.#states = new PageStates(totals);
    this.name = options.name;
    this.#sizeBytes = options.sizeBytes;
    this.#endPage = Math.ceil(options.sizeBytes / pageBytes);
    this.#memory = options.memory ?? new MemoryFile(options.name, pagesMax);
    this.#tables = tables;
    this.#desk = new FaultDesk(this, options.handler, this.#memory, this.#states, this.#tables);
    this.#hand = new ClockHand(this.#states, (start, end) => this.#tables.unmapShared(start, end));
    this.#onClose = onClose;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get cachedPages(): number {
    return this.#states.cachedPages;
  }

  get dirtyPages(): number {
    return this.#states.dirtyPages;
  }

  isCached(page: number): boolean {
    return (this.#states.get(page) & PageBit.cached) !== 0;
  }

  isWritable(page: number): boolean {
    return (this.#states.get(page) & PageBit.writable) !== 0;
  }

  /** Whether a thread waits for this page. */
  waiting(page: number): boolean {
    return (this.#states.get(page) & PageBit.waiting) !== 0;
  }

  /** Whether a thread waits to store to this page through a shared view. */
  waitingWrite(page: number): boolean {
    return (this.#states.get(page) & PageBit.waitingWrite) !== 0;
  }

  /** The Linux id of a thread that waits for this page; 0 when none does. */
  waitingThread(page: number): number {
    return this.#desk.waitingThread(page);
  }

  /** The first cached page in [page, end); `end` when there is none. So with the next four. */
  nextCached(page: number, end: number): number {
    return this.#states.next(page, end, PageBit.cached, PageBit.cached);
  }

  nextUncached(page: number, end: number): number {
    return this.#states.next(page, end, PageBit.cached, 0);
  }

  nextDirty(page: number, end: number): number {
    return this.#states.next(page, end, PageBit.dirty, PageBit.dirty);
  }

  nextClean(page: number, end: number): number {
    return this.#states.next(page, end, PageBit.dirty, 0);
  }

  nextWritable(page: number, end: number): number {
    return this.#states.next(page, end, PageBit.writable, PageBit.writable);
  }

  /** Where the bytes of pages are, up to `contiguousEnd(page)`, or may be put at once; then `install` them. */
  aliasAddress(page: number, pageCount = 1): number {
    return this.#memory.aliasAddress(page, pageCount);
  }

  /** Where to receive the bytes of pages that are not cached yet, up to `contiguousEnd(page)`: one such range at a time. */
  receiveAddress(page: number, pageCount: number): number {
    return this.#memory.receiveAddress?.(page, pageCount) ?? this.#memory.aliasAddress(page);
  }

  contiguousEnd(page: number): number {
    return this.#memory.contiguousEnd(page);
  }

  writeBytes(startPage: number, address: number, byteLength: number): void {
    this.#memory.write(startPage, address, byteLength);
  }

  /** R7: zeros behind the end of the file, whatever was stored there: the home may have made it longer already. */
  readBytes(startPage: number, address: number, byteLength: number): void {
    this.#memory.read(startPage, address, byteLength);
    const filledBytes = Math.max(0, this.sizeBytes - startPage * pageBytes);
    if (filledBytes < byteLength) memset(address + filledBytes, 0, byteLength - filledBytes);
  }

  /**
   * The bytes of [start, end) are in the memfd (received through the alias, or by `writeBytes`): the pages become cached
   * and clean, and whoever waits for them runs. Pages of it that are beyond the end of file by now are dropped.
   *
   * @param mapEnd the pages up to here are mapped, write-protected, into the views in which a thread waited; the rest is
   *   only cached, so that touching it is a cheap fault, reported as `onTouch`.
   * @param writePage a page that may be stored to from now on, and so is dirty; -1 for none.
   */
  install(start: number, end: number, mapEnd: number, writePage: number): void {
    const stop = Math.min(end, this.#endPage);
    this.#memory.filled?.(start, end);
    if (stop < end) this.#memory.punch(Math.max(start, stop), end);
    if (stop <= start) return;
    for (let page = start; page < stop; page++) {
      const state = this.#states.get(page);
      assert((state & PageBit.cached) === 0, "a page is installed once: its bytes are the program's then");
      if ((state & PageBit.poisoned) !== 0) this.#tables.clearPoison(page, page + 1);
      const rights = page === writePage ? PageBit.writable | PageBit.dirty : 0;
      this.#states.set(page, (state & ~PageBit.poisoned) | PageBit.cached | PageBit.referenced | rights);
    }
    if (stop === this.#endPage) this.#zeroTail();
    this.#desk.answer(start, stop, mapEnd);
  }

  /** The same for pages of zeros: a hole of the file. */
  installZeros(start: number, end: number, mapEnd: number, writePage: number): void {
    const stop = Math.min(end, this.#endPage);
    for (let page = start; page < stop; page += copyPages) {
      this.#memory.write(page, zeroPages().address, Math.min(copyPages, stop - page) * pageBytes);
    }
    this.install(start, stop, mapEnd, writePage);
  }

  /** Stores into the cached pages of [start, end) are allowed from now on: they are writable and dirty. */
  allowWrite(start: number, end: number): void {
    for (let from = this.nextCached(start, end); from < end; ) {
      const to = this.nextUncached(from, end);
      this.#states.update(from, to, PageBit.cached, 0, PageBit.writable | PageBit.dirty | PageBit.referenced);
      this.#tables.allow(from, to);
      this.#desk.answerAllowed(from, to);
      from = this.nextCached(to, end);
    }
  }

  /** Lets the threads run that wait for this cached page; it is mapped write-protected unless it is writable. */
  resolve(page: number): void {
    assert(this.isCached(page), "only a cached page can be mapped");
    this.#desk.answer(page, page + 1, page);
  }

  /** Lets the threads run that wait for this page (or for [page, end)), and maps nothing: they fault again. */
  retry(page: number, end: number = page + 1): void {
    this.#desk.retry(page, end);
  }

  /**
   * The pages of [start, end) that are not cached, or that a thread waits for, cannot be had: their waiters, and
   * whoever touches them until they are evicted or installed, get SIGBUS.
   */
  poison(start: number, end: number): void {
    if (this.#desk.isSuspended) {
      // What is cached is kept, for `resume`; only the threads that touch it until then are refused.
      for (let page = start; page < end; page++) this.#desk.poison(page);
      return;
    }
    for (let page = start; page < Math.min(end, this.#endPage); page++) {
      if (this.isCached(page) && !this.waiting(page)) continue;
      if (this.isCached(page)) this.evict(page, page + 1);
      this.#states.set(page, this.#states.get(page) | PageBit.poisoned);
      this.#desk.poison(page);
    }
  }

  /** Write-protects [start, end): no page there is writable afterwards, and what was dirty stays so. */
  protect(start: number, end: number): void {
    for (let from = this.nextWritable(start, end); from < end; ) {
      const to = this.#states.next(from, end, PageBit.writable, 0);
      this.#tables.protect(from, to);
      this.#states.update(from, to, PageBit.writable, PageBit.writable, 0);
      from = this.nextWritable(to, end);
    }
  }

  /** The home has what the dirty pages of [start, end) hold. They must not be writable: a later store would be missed. */
  markClean(start: number, end: number): void {
    assert(this.nextWritable(start, end) === end, "R2: pages are write-protected before they count as clean");
    this.#states.update(start, end, PageBit.dirty, PageBit.dirty, 0);
  }

  markDirty(start: number, end: number): void {
    this.#states.update(start, end, PageBit.cached, 0, PageBit.dirty);
  }

  /**
   * The RFC's unmap_mapping_range: takes [start, end) out of all page tables. Pages stay cached, with their rights;
   * private written pages stay too (R4).
   */
  unmap(start: number, end: number): void {
    this.#tables.unmapShared(start, end);
    // MADV_DONTNEED on a private view would destroy its own pages, and nothing else takes only the others out; so each
    // page leaves the memfd for a moment. Nobody can store meanwhile: no shared view maps it, and faults wait for us.
    for (const view of this.#tables.views) {
      if (view.sharing !== "private") continue;
      this.#liftOut(Math.max(start, view.firstPage), Math.min(end, view.endPage));
    }
  }

  /**
   * The RFC's evict_mapping_range: drops [start, end) from the cache and every page table, private written pages
   * excepted. Dirty bytes are lost, so the caller has written them back (R2). Who waits there goes on waiting.
   */
  evict(start: number, end: number): void {
    this.#memory.punch(start, end);
    this.#tables.clearPoison(start, end);
    this.#forgetStates(start, end);
  }

  /**
   * Moves the end of file (R5, R7). Shrinking drops what lies beyond, private written pages included; growing shows
   * zeros there, whatever a program stored beyond the end before.
   */
  setSize(sizeBytes: number): void {
    if (sizeBytes === this.#sizeBytes) return;
    const oldEnd = this.#endPage;
    const grows = sizeBytes > this.#sizeBytes;
    if (grows) this.#zeroTail();
    this.#sizeBytes = sizeBytes;
    this.#endPage = Math.ceil(sizeBytes / pageBytes);
    const start = Math.min(oldEnd, this.#endPage);
    const end = grows ? this.#endPage : pagesMax;
    // The page tables are clear of this range when the private pages go: until then a private store could still copy a
    // page of it. From the punch on nothing is mapped there but by us.
    this.evict(start, end);
    this.#tables.destroyPrivate(start, end);
    this.#desk.retry(start, end);
    if (!grows) this.#zeroTail();
  }

  /**
   * Takes every page out of the page tables and lets every touch wait, until `resume`: what is cached stays, but it is
   * not known any more whether it is the file's (R15). Private written pages are the program's own and stay mapped.
   */
  suspend(): void {
    if (this.#desk.isSuspended) return;
    this.#desk.isSuspended = true;
    this.unmap(0, this.#endPage);
  }

  /** What is cached is the file's again. Whoever waited faults anew. */
  resume(): void {
    this.#desk.isSuspended = false;
    this.#tables.clearPoison(0, pagesMax);
    this.#desk.retry(0, pagesMax);
  }

  /** Where the last `sweep` found cold pages. */
  get sweepStart(): number {
    return this.#hand.start;
  }

  get sweepEnd(): number {
    return this.#hand.end;
  }

  /**
   * Moves the clock hand over at most `pageCount` cached pages. A page touched since the last time is unmapped, so that
   * the next touch shows, and gets a second chance.
   *
   * @returns true when it found pages nobody touched: [sweepStart, sweepEnd).
   */
  sweep(pageCount: number): boolean {
    return this.#hand.sweep(pageCount, this.#endPage);
  }

  /** @throws an Error with the code DMMAP_UNSUPPORTED where a process may not have a userfaultfd, or an older one */
  openView(options: ViewOptions): View {
    const { canPoison } = this.#tables; // Before there is a view that nobody watches: it opens the userfaultfd.
    if (options.beyondEnd === "sigbus" && !canPoison) {
      throw Object.assign(new Error("SIGBUS beyond the end of file needs Linux 6.6"), { code: "DMMAP_UNSUPPORTED" });
    }
    const memory = this.#memory;
    assert(memory instanceof MemoryFile, "only a memfd can be mapped");
    const view = new CacheView(this, memory, this.#nextViewId++, options);
    this.#tables.add(view);
    return { id: view.id, address: view.address, byteLength: view.byteLength };
  }

  /**
   * Puts inert zero pages in the view's place; its threads that wait in a fault run on with them (R19). Its addresses
   * stay taken until the last ArrayBuffer over them is collected: see ViewBuffer.
   */
  closeView(id: number): void {
    const view = this.#tables.views.find((open) => open.id === id);
    if (view === undefined) return; // Closed before.
    this.#tables.remove(view);
    this.#desk.forgetView(view);
  }

  /** Closes all views and drops every page. */
  close(): void {
    for (const view of [...this.#tables.views]) this.closeView(view.id);
    this.#states.clear();
    this.#memory.close();
    this.#onClose(this);
  }

  /** A fault event, from the pager. Allocates nothing. */
  onFault(view: CacheView, page: number, flags: number, thread: number): void {
    this.#desk.onFault(view, page, flags, thread, this.#endPage);
  }

  #forgetStates(start: number, end: number): void {
    for (let page = this.#states.nextUsed(start, end); page < end; page = this.#states.nextUsed(page + 1, end)) {
      this.#states.set(page, this.#states.get(page) & waitBits);
    }
  }

  /** Out of the memfd and every page table, and back into the memfd. */
  #liftOut(start: number, end: number): void {
    const copy = scratch();
    for (let page = this.nextCached(start, end); page < end; page = this.nextCached(page, end)) {
      const stop = this.nextUncached(page, Math.min(end, page + copyPages));
      this.#memory.read(page, copy.address, (stop - page) * pageBytes);
      this.#memory.punch(page, stop);
      this.#memory.write(page, copy.address, (stop - page) * pageBytes);
      page = stop;
    }
  }

  /** Zeros behind the end of file in the page that holds it (R7). */
  #zeroTail(): void {
    const tailStart = this.#sizeBytes % pageBytes;
    if (tailStart === 0 || !this.isCached(this.#endPage - 1)) return;
    memset(this.#memory.aliasAddress(this.#endPage - 1) + tailStart, 0, pageBytes - tailStart);
  }
}

let copiedPages: NativeBuffer | undefined;
const scratch = (): NativeBuffer => (copiedPages ??= new NativeBuffer(copyPages * pageBytes));
