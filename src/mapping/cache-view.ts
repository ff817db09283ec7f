import type { MemoryFile } from "../kernel/memory-file.js";
import { pageBytes } from "../kernel/page-size.js";
import { Region, type Sharing } from "../kernel/region.js";
import type { PageCache } from "./page-cache.js";

/** What a touch beyond the end of file does: it finds zero pages whose stores go nowhere (R18), or raises SIGBUS. */
export type BeyondEnd = "zeros" | "sigbus";

export interface ViewOptions {
  readonly sharing: Sharing;
  readonly firstPage: number;
  readonly pageCount: number;
  readonly beyondEnd: BeyondEnd;
}

/** What a program needs to know of a view: plain data, fit for another thread. */
export interface View {
  readonly id: number;
  readonly address: number;
  readonly byteLength: number;
}

/** One mapping of a cache's pages into this process's address space. */
export class CacheView extends Region implements View {
  readonly id: number;
  readonly cache: PageCache;
  readonly beyondEnd: BeyondEnd;
  /** The pages that raise SIGBUS in this view: only these may be cleared with MADV_DONTNEED in a private one (R4). */
  readonly poisoned = new Set<number>();
  /** Where the last mapping ended, and how many pages a touch maps: a touch right there goes on with a stream. */
  mappedEnd = -1;
  mapPages = 1;

  constructor(cache: PageCache, file: MemoryFile, id: number, options: ViewOptions) {
    super(file, options.firstPage, options.pageCount, options.sharing);
    this.id = id;
    this.cache = cache;
    this.beyondEnd = options.beyondEnd;
  }

  get byteLength(): number {
    return this.pageCount * pageBytes;
  }
}
