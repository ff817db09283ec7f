import { NativeBuffer } from "../kernel/native-buffer.js";
import { pageBytes } from "../kernel/page-size.js";
import type { Fault, HookMapping, Hooks } from "./hooks.js";
import { assert } from "./invariant.js";
import { KeptFault } from "./kept-fault.js";
import type { FaultHandler, PageCache } from "./page-cache.js";
import { assertOffset, type PageRange, pageRange } from "./page-range.js";
import type { Pager } from "./pager.js";
import { WriteBack } from "./write-back.js";

export interface HookedMappingOptions {
  readonly name: string;
  readonly size: number;
  readonly data: unknown;
  /** [0]: the size, for the program to read at any time. */
  readonly sizeCell: SharedArrayBuffer;
}

type Done = (error?: unknown) => void;

/** A mapping on its pager's thread: the cache, and the hooks that fill it and take its write-back. */
export class HookedMapping implements HookMapping, FaultHandler {
  readonly name: string;
  readonly data: unknown;
  readonly cache: PageCache;
  readonly post: (message: unknown) => void;
  state: unknown;
  readonly #hooks: Hooks;
  readonly #pager: Pager;
  readonly #sizeCell: Float64Array;
  readonly #writeBack: WriteBack;
  readonly #faults = new Map<number, KeptFault>();
  /** Ranges that are being evicted: nobody may make a page dirty there between its write-back and its end. */
  readonly #evicting = new Set<PageRange>();

  constructor(pager: Pager, hooks: Hooks, options: HookedMappingOptions, post: (message: unknown) => void) {
    this.name = options.name;
    this.data = options.data;
    this.post = post;
    this.#pager = pager;
    this.#hooks = hooks;
    this.#sizeCell = new Float64Array(options.sizeCell);
    this.#sizeCell[0] = options.size;
    this.cache = pager.createCache({ name: options.name, sizeBytes: options.size, handler: this });
    this.#writeBack = new WriteBack(this.cache, (start, bytes, done) => this.#writePages(start, bytes, done));
    hooks.start?.(this);
  }

  get size(): number {
    return this.cache.sizeBytes;
  }

  noPage(_cache: PageCache, page: number, write: boolean): void {
    const fault = this.#openFault(page, write);
    if (fault !== undefined) this.#hooks.noPage(fault);
  }

  wpPage(cache: PageCache, page: number): void {
    // The default is not for a page that is being evicted: its store would be lost.
    if (this.#hooks.wpPage === undefined && !this.#isEvicting(page)) return cache.allowWrite(page, page + 1);
    const fault = this.#openFault(page, true);
    if (fault !== undefined) this.#hooks.wpPage?.(fault);
  }

  /** Puts bytes into pages from the fault's on that are not cached; the first may be there, and is replaced. */
  install({ page, limit }: KeptFault, bytes: Uint8Array, write: boolean): void {
    const { cache } = this;
    if (cache.isCached(page)) cache.evict(page, page + 1);
    const pageCount = Math.max(1, Math.ceil(bytes.length / pageBytes));
    const stop = cache.nextCached(page, Math.min(page + pageCount, limit, Math.ceil(this.size / pageBytes)));
    copyIn(cache, page, stop, bytes);
    for (let filled = page + 1; filled < stop && this.#faults.size > 0; filled++) this.#endFault(filled);
    cache.install(page, stop, stop, write ? page : -1);
  }

  forgetFault(fault: KeptFault): void {
    fault.end();
    this.#faults.delete(fault.page);
  }

  unmapMappingRange(start: number, length: number): void {
    const range = pageRange(start, length, this.size);
    this.cache.unmap(range.start, range.end);
  }

  writeMappingRange(start: number, length: number, done: Done = () => undefined): void {
    const range = pageRange(start, length, this.size);
    if (this.#hooks.writePages === undefined) done();
    else this.#writeBack.write(range.start, range.end, done);
  }

  evictMappingRange(start: number, length: number, done: Done = () => undefined): void {
    const range = pageRange(start, length, this.size);
    this.#evicting.add(range);
    this.#endFaults(range.start, range.end); // Their answers would be from before the eviction.
    const finish = (error?: unknown) => {
      this.#evicting.delete(range);
      if (error === undefined) {
        this.#endFaults(range.start, range.end); // Those before it that came meanwhile.
        this.#drop(range);
      }
      this.cache.retry(range.start, range.end);
      done(error);
    };
    if (this.#hooks.writePages === undefined) finish();
    else this.#writeBack.write(range.start, range.end, finish);
  }

  truncate(size: number): void {
    assertOffset("size", size);
    if (size === this.size) return;
    // The page that the file ends in has another tail now (R7).
    const first = Math.floor(Math.min(size, this.size) / pageBytes);
    this.#endFaults(first, Number.POSITIVE_INFINITY);
    this.cache.setSize(size);
    this.cache.retry(first);
    this.#sizeCell[0] = size;
  }

  watch(descriptor: number, events: number, onReady: (events: number) => void): void {
    this.#pager.watch(descriptor, events, onReady);
  }

  unwatch(descriptor: number): void {
    this.#pager.unwatch(descriptor);
  }

  onMessage(message: unknown): void {
    this.#hooks.onMessage?.(this, message);
  }

  close(): void {
    this.#endFaults(0, Number.POSITIVE_INFINITY);
    this.cache.close();
    this.#hooks.stop?.(this);
  }

  #drop({ start, end }: PageRange): void {
    const isWritten = this.#hooks.writePages === undefined || this.cache.nextDirty(start, end) === end;
    assert(isWritten, "R2: what is evicted has been written back");
    this.cache.evict(start, end);
  }

  /** @returns undefined when no hook is to be called: one has the fault already, or the page is being evicted. */
  #openFault(page: number, write: boolean): Fault | undefined {
    if (this.#isEvicting(page)) return undefined;
    const kept = this.#faults.get(page);
    if (kept !== undefined) {
      kept.write ||= write;
      return undefined;
    }
    const fault = new KeptFault(this, page, write);
    this.#faults.set(page, fault);
    return fault;
  }

  #isEvicting(page: number): boolean {
    for (const range of this.#evicting) if (page >= range.start && page < range.end) return true;
    return false;
  }

  #endFault(page: number): void {
    this.#faults.get(page)?.end();
    this.#faults.delete(page);
  }

  /** What hooks have read of [start, end) is old, be it for faults there or before. */
  #endFaults(start: number, end: number): void {
    for (const fault of [...this.#faults.values()]) {
      if (fault.page >= end) continue;
      if (fault.page >= start) this.#endFault(fault.page);
      else fault.limit = Math.min(fault.limit, start);
    }
  }

  #writePages(start: number, bytes: Uint8Array, done: Done): void {
    const range = { mapping: this, offset: start * pageBytes, length: bytes.length };
    this.#hooks.writePages?.(range, bytes, done);
    if ((this.#hooks.writePages?.length ?? 0) < 3) done();
  }
}

const copyPages = 64;
let scratch: NativeBuffer | undefined;

/** Copies bytes into the memfd, the last page padded with zeros: the file behind the bytes ends there. */
function copyIn(cache: PageCache, start: number, end: number, bytes: Uint8Array): void {
  scratch ??= new NativeBuffer(copyPages * pageBytes);
  for (let page = start; page < end; page += copyPages) {
    const from = (page - start) * pageBytes;
    const length = Math.min(copyPages, end - page) * pageBytes;
    const part = from === 0 && bytes.length <= length ? bytes : bytes.subarray(from, from + length);
    scratch.bytes.set(part);
    if (part.length < length) scratch.bytes.fill(0, part.length, length);
    cache.writeBytes(page, scratch.address, length);
  }
}
