import { pageBytes } from "../kernel/page-size.js";
import type { Sharing } from "../kernel/region.js";
import type { BeyondEnd, View } from "./cache-view.js";
import { HooksThread } from "./hooks-thread.js";
import { assertOffset, pageRange } from "./page-range.js";
import type { PagerThread } from "./pager-thread.js";
import { assertViewLength, ViewBuffer } from "./view-buffer.js";

export interface MappingOptions {
  /** Bytes. */
  readonly size: number;
  /** The module with the hooks; see `Hooks`. Mappings with the same one share its thread. */
  readonly hooks: URL;
  /** Given to the hooks as `mapping.data`: what structured clone can carry. */
  readonly data?: unknown;
  /** Shown in /proc/PID/maps, and to the hooks. */
  readonly name?: string;
  /** What the hooks sent with `mapping.post`. */
  readonly onMessage?: (message: unknown) => void;
  /**
   * For how long the pager polls at most before it sleeps, where that has paid of late; the first mapping of a thread decides.
   * Default 100 where there is more than one processor; 0 for never.
   */
  readonly spinMicros?: number;
}

export interface MapOptions {
  /** Byte offset of the view's first byte; a multiple of 4096. */
  readonly offset?: number;
  /** Bytes, at least 1; to the end of file by default. A view may reach beyond the end of file. */
  readonly length?: number;
  /** "shared": stores are the file's. "private": they are the view's own, as with MAP_PRIVATE (R4). */
  readonly sharing?: Sharing;
  /** What touching a page beyond the end of file does. "sigbus" is what the kernel does, and ends a JavaScript program. */
  readonly onBeyondEnd?: BeyondEnd;
}

/**
 * A file's page cache that this process fills and keeps coherent itself: the RFC's distributed mmap API. What threads
 * touch in its views and is not cached becomes a call of a hook; the trio takes pages out again.
 *
 * All ranges are bytes, rounded outwards to pages; length 0 means to the end of file (R8).
 */
export class Mapping implements AsyncDisposable {
  readonly name: string;
  readonly #thread: HooksThread;
  readonly #pager: PagerThread;
  readonly #id: number;
  readonly #size: Float64Array;
  readonly #views = new Set<ViewBuffer>();
  #closed = false;

  static async create(options: MappingOptions): Promise<Mapping> {
    assertOffset("size", options.size);
    if (!(options.hooks instanceof URL)) throw new TypeError("hooks must be a URL: new URL('./x.js', import.meta.url)");
    const { name = "mapping", size, data, onMessage } = options;
    const thread = HooksThread.of(options.hooks, options.spinMicros);
    const id = thread.addMapping(onMessage ?? (() => undefined));
    const pager = await thread.started;
    const sizeCell = new SharedArrayBuffer(8);
    try {
      await pager.call("create", { mapping: id, name, size, data, sizeCell });
    } catch (error) {
      await thread.removeMapping(id);
      throw error;
    }
    return new Mapping(thread, pager, id, name, sizeCell);
  }

  private constructor(thread: HooksThread, pager: PagerThread, id: number, name: string, sizeCell: SharedArrayBuffer) {
    this.#thread = thread;
    this.#pager = pager;
    this.#id = id;
    this.name = name;
    this.#size = new Float64Array(sizeCell);
  }

  /** The file's size in bytes. */
  get size(): number {
    return this.#size[0];
  }

  /** Opens a view of the file. Nothing is read until it is touched (R11). */
  map(options: MapOptions = {}): ViewBuffer {
    const { offset = 0, sharing = "shared", onBeyondEnd: beyondEnd = "zeros" } = options;
    const { length = Math.max(0, this.size - offset) } = options;
    assertViewRange(offset, length);
    if (sharing !== "shared" && sharing !== "private") throw new TypeError('sharing must be "shared" or "private"');
    if (beyondEnd !== "zeros" && beyondEnd !== "sigbus") throw new TypeError('onBeyondEnd must be "zeros" or "sigbus"');
    const range = { firstPage: offset / pageBytes, pageCount: Math.ceil(length / pageBytes) };
    const opened = this.#callSync("openView", { sharing, beyondEnd, ...range }) as View;
    const view: ViewBuffer = new ViewBuffer(opened, length, (id) => {
      this.#views.delete(view);
      if (!this.#closed) this.#callSync("closeView", { view: id });
    });
    this.#views.add(view);
    return view;
  }

  /** Takes the range out of all page tables; the pages stay cached, and private written pages where they are (R4). */
  unmapMappingRange(start: number, length: number): void {
    pageRange(start, length, this.size);
    this.#callSync("unmap", { start, length });
  }

  /** Resolves when the pages of the range that are dirty now have been written back by the hook `writePages`. */
  async writeMappingRange(start: number, length: number): Promise<void> {
    pageRange(start, length, this.size);
    await this.#call("write", { start, length });
  }

  /**
   * Drops the range from the cache and all page tables, private written pages excepted (R4). What is dirty is written back
   * first and waited for (R2); without a `writePages` hook it is lost. When the write-back fails, nothing is dropped.
   */
  async evictMappingRange(start: number, length: number): Promise<void> {
    pageRange(start, length, this.size);
    await this.#call("evict", { start, length });
  }

  /** Changes the file's size, under live views: beyond the end private written pages die too (R5). */
  truncate(size: number): void {
    assertOffset("size", size);
    this.#callSync("truncate", { size });
  }

  /** Sends the hooks a message: their `onMessage`. */
  post(message: unknown): void {
    this.#assertOpen();
    this.#pager.post("message", { mapping: this.#id, message });
  }

  /** Writes back what is dirty, and closes all views. When the write-back fails, the mapping stays open. */
  async close(): Promise<void> {
    if (this.#closed) return;
    await this.writeMappingRange(0, 0);
    this.#callSync("close", {});
    this.#closed = true;
    for (const view of [...this.#views]) view.close();
    await this.#thread.removeMapping(this.#id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #call(method: string, args: object): Promise<unknown> {
    this.#assertOpen();
    return this.#pager.call(method, { mapping: this.#id, ...args });
  }

  #callSync(method: string, args: object): unknown {
    this.#assertOpen();
    return this.#pager.callSync(method, { mapping: this.#id, ...args });
  }

  #assertOpen(): void {
    if (this.#closed) throw Object.assign(new Error("this mapping is closed"), { code: "DMMAP_CLOSED" });
  }
}

function assertViewRange(offset: number, length: number): void {
  assertOffset("offset", offset);
  assertOffset("length", length);
  if (offset % pageBytes !== 0) {
    const lower = offset - (offset % pageBytes);
    throw new RangeError(
      `offset must be a multiple of ${pageBytes}: map from ${lower} and skip ${offset - lower} bytes`,
    );
  }
  if (length === 0) throw new RangeError("length must be at least 1: there is nothing to map (is the file empty?)");
  if (offset + length > Number.MAX_SAFE_INTEGER) throw new RangeError("offset + length must be at most 2^53 - 1");
  assertViewLength(length);
}
