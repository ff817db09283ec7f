import { NativeBuffer } from "../kernel/native-buffer.js";
import { pageBytes } from "../kernel/page-size.js";
import { FaultFlag } from "../kernel/userfaultfd.js";
import type { CacheView } from "./cache-view.js";
import type { FaultHandler, PageCache } from "./page-cache.js";
import type { PageMemory } from "./page-memory.js";
import { PageBit, type PageStates, waitBits } from "./page-states.js";
import type { PageTables } from "./page-tables.js";
import { Waiters } from "./waiters.js";

/** Pages mapped at one touch of a stream. */
const streamPagesMax = 256;

/**
 * Where faults arrive and wait: what the page's state answers is answered here, the handler is asked for the rest, once
 * a page. An event's own word on whether the page was missing or mapped is old news by the time it is read (another
 * thread's fault of the same batch may have changed it), so only the state counts, and that the thread wants to store.
 */
export class FaultDesk {
  readonly #cache: PageCache;
  readonly #handler: FaultHandler;
  readonly #memory: PageMemory;
  readonly #states: PageStates;
  readonly #tables: PageTables;
  readonly #waiters = new Waiters();

  constructor(cache: PageCache, handler: FaultHandler, memory: PageMemory, states: PageStates, tables: PageTables) {
    this.#cache = cache;
    this.#handler = handler;
    this.#memory = memory;
    this.#states = states;
    this.#tables = tables;
  }

  /** While true, every touch of the file waits, whatever is cached. */
  isSuspended = false;

  /** A fault event. Allocates nothing. */
  onFault(view: CacheView, page: number, flags: number, thread: number, endPage: number): void {
    if (page >= endPage) return this.#faultBeyondEnd(view, page);
    if (this.isSuspended) {
      this.#waiters.add(view, page, false, thread);
      this.#cache.onSuspendedTouch?.(page);
      return;
    }
    const state = this.#states.get(page);
    if ((state & PageBit.poisoned) !== 0) return this.#tables.poison(view, page);
    const write = (flags & FaultFlag.write) !== 0 && view.sharing === "shared";
    const isProtected = (flags & FaultFlag.writeProtect) !== 0;
    const allowed = (state & PageBit.cached) !== 0 && (!write || (state & PageBit.writable) !== 0);
    if (!allowed) return this.#ask(view, page, state, write, isProtected, thread);
    if (isProtected) return this.#tables.allowIn(view, page);
    this.#states.set(page, state | PageBit.referenced);
    const end = this.#streamEnd(view, page, endPage);
    this.#mapRuns(view, page, end);
    view.mappedEnd = end;
    this.#cache.onTouch?.(page); // Last: it may take the page away again, for a revoke that has waited.
  }

  /**
   * How far to map along with a page that was cached but not mapped. Touches in order map more and more at once, else
   * each page that was fetched ahead would cost a fault; up to what the readahead wants to see touched.
   */
  #streamEnd(view: CacheView, page: number, endPage: number): number {
    const isNext = page === view.mappedEnd;
    view.mapPages = isNext ? Math.min(view.mapPages * 4, streamPagesMax) : 1;
    if (!isNext) return page + 1;
    const limit = Math.min(page + view.mapPages, endPage, view.endPage);
    const cachedEnd = this.#states.nextUnlike(page + 1, limit, PageBit.cached, PageBit.cached);
    return this.#cache.mapLimit?.(page + 1, cachedEnd) ?? cachedEnd;
  }

  /**
   * Maps cached pages for whoever waits in [start, end), the page a thread waits for first, and then the rest of
   * [start, mapEnd) into the same view.
   */
  answer(start: number, end: number, mapEnd: number): void {
    for (let index = this.#previous(this.#waiters.count, start, end); index >= 0; ) {
      const page = this.#waiters.page(index);
      const view = this.#waiters.view(index);
      this.#forget(index);
      this.#mapRuns(view, page, page + 1);
      if (mapEnd > start) this.#answerAround(view, page, start, Math.min(end, mapEnd), index);
      view.mappedEnd = Math.max(page + 1, Math.min(end, mapEnd));
      index = this.#previous(index, start, end);
    }
  }

  /** The same for pages whose write-protection has just been lifted, which has woken those who waited for that. */
  answerAllowed(start: number, end: number): void {
    for (let index = this.#previous(this.#waiters.count, start, end); index >= 0; ) {
      if (this.#waiters.isProtected(index)) this.#forget(index);
      index = this.#previous(index, start, end);
    }
    this.answer(start, end, start);
  }

  /** The Linux id of a thread that waits for this page; 0 when none does. */
  waitingThread(page: number): number {
    const index = this.#previous(this.#waiters.count, page, page + 1);
    return index < 0 ? 0 : this.#waiters.thread(index);
  }

  /** Wakes whoever waits in [start, end): they fault again. */
  retry(start: number, end: number): void {
    for (let index = this.#previous(this.#waiters.count, start, end); index >= 0; ) {
      const page = this.#waiters.page(index);
      const view = this.#waiters.view(index);
      this.#forget(index);
      this.#tables.wake(view, page);
      index = this.#previous(index, start, end);
    }
  }

  /** SIGBUS for whoever waits for this page. */
  poison(page: number): void {
    for (let index = this.#previous(this.#waiters.count, page, page + 1); index >= 0; ) {
      const view = this.#waiters.view(index);
      this.#forget(index);
      this.#tables.poison(view, page);
      index = this.#previous(index, page, page + 1);
    }
  }

  /** The view is closed, and its waiters run. Pages that nobody else waits for may be asked for again. */
  forgetView(view: CacheView): void {
    for (let index = this.#waiters.count - 1; index >= 0; index--) {
      if (this.#waiters.view(index) !== view) continue;
      const page = this.#waiters.page(index);
      this.#waiters.remove(index);
      if (this.#previous(this.#waiters.count, page, page + 1) < 0) this.#clearWaiting(page);
    }
  }

  #ask(view: CacheView, page: number, state: number, write: boolean, isProtected: boolean, thread: number): void {
    this.#waiters.add(view, page, isProtected, thread);
    const asked = PageBit.waiting | (write ? PageBit.waitingWrite : 0);
    if ((state & asked) === asked) return; // Asked already: the answer wakes this thread too.
    this.#states.set(page, state | asked);
    if ((state & PageBit.cached) !== 0) this.#handler.wpPage(this.#cache, page);
    else this.#handler.noPage(this.#cache, page, write);
  }

  /** Maps the neighbours too. The view's other waiters there are woken by that, so they leave the list. */
  #answerAround(view: CacheView, page: number, start: number, mapEnd: number, before: number): void {
    this.#mapRuns(view, start, Math.min(page, mapEnd));
    this.#mapRuns(view, page + 1, mapEnd);
    for (let other = this.#previous(before, start, mapEnd); other >= 0; ) {
      if (this.#waiters.view(other) === view) this.#forget(other);
      other = this.#previous(other, start, mapEnd);
    }
  }

  #mapRuns(view: CacheView, start: number, end: number): void {
    for (let page = start; page < end; ) {
      const writable = this.#states.get(page) & PageBit.writable;
      const runEnd = this.#states.next(page + 1, end, PageBit.writable, writable ^ PageBit.writable);
      this.#tables.map(view, page, runEnd, writable === 0);
      page = runEnd;
    }
  }

  /** Such a page is in the memfd, mapped writable, and nobody's content: stores to it go nowhere (R18). */
  #faultBeyondEnd(view: CacheView, page: number): void {
    if (view.beyondEnd === "sigbus") return this.#tables.poison(view, page);
    const state = this.#states.get(page);
    if ((state & PageBit.beyond) === 0) {
      this.#memory.write(page, zeroPages().address, pageBytes);
      this.#states.set(page, state | PageBit.beyond);
    }
    this.#tables.map(view, page, page + 1, false);
  }

  #previous(before: number, start: number, end: number): number {
    return this.#waiters.previous(before, start, end);
  }

  #forget(index: number): void {
    const page = this.#waiters.page(index);
    this.#waiters.remove(index);
    this.#clearWaiting(page);
  }

  #clearWaiting(page: number): void {
    this.#states.set(page, this.#states.get(page) & ~waitBits);
  }
}

/** Pages copied at a time. */
export const copyPages = 64;

let zeros: NativeBuffer | undefined;
export function zeroPages(): NativeBuffer {
  zeros ??= new NativeBuffer(copyPages * pageBytes);
  return zeros;
}
