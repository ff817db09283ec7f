const chunkPages = 4096;

/** What is known of one page, a bit each. */
export const PageBit = {
  /** The page's bytes are in the memfd and are file content. */
  cached: 1,
  /** It may differ from what the file's home has. */
  dirty: 2,
  /** Stores through shared views raise no fault; then no page table protects it, and it is dirty. Else all do. */
  writable: 4,
  /** Installed or touched since the clock hand passed last. */
  referenced: 8,
  /** A page beyond the end of file that a program touched: in the memfd, but nobody's content. */
  beyond: 16,
  /** Touching it raises SIGBUS. */
  poisoned: 32,
  /** Threads wait here, and the handler has been asked. */
  waiting: 64,
  /** A thread waits to store, and the handler has been asked for that. */
  waitingWrite: 128,
} as const;

export const waitBits = PageBit.waiting | PageBit.waitingWrite;

/** Pages of all caches of a pager: as one look tells whether there is anything to do, however many files there are. */
export class PageTotals {
  cached = 0;
  dirty = 0;
}

interface Chunk {
  readonly states: Uint8Array;
  used: number;
  dirty: number;
}

/**
 * The states of all pages of a file, sparsely: one byte a page, in chunks that exist only while one of their pages has a
 * state. Reading and writing a state allocates nothing but a chunk.
 */
export class PageStates {
  cachedPages = 0;
  dirtyPages = 0;
  readonly #chunks = new Map<number, Chunk>();
  /** The chunks' indexes in order, to step over the empty parts of a large file. */
  readonly #indexes: number[] = [];
  readonly #totals: PageTotals;
  #lastIndex = -1;
  #last: Chunk | undefined;
  /** The last one dropped: where the only page of a file goes back and forth, each return would want a new one. */
  #spare: Chunk | undefined;

  constructor(totals = new PageTotals()) {
    this.#totals = totals;
  }

  get(page: number): number {
    const index = Math.floor(page / chunkPages);
    return this.#chunkAt(index)?.states[page - index * chunkPages] ?? 0;
  }

  set(page: number, state: number): void {
    const index = Math.floor(page / chunkPages);
    const chunk = this.#chunkAt(index) ?? (state === 0 ? undefined : this.#addChunk(index));
    if (chunk === undefined) return;
    const at = page - index * chunkPages;
    const old = chunk.states[at];
    if (old === state) return;
    chunk.states[at] = state;
    const dirtyChange = ((state & PageBit.dirty) - (old & PageBit.dirty)) / PageBit.dirty;
    this.#count((state & PageBit.cached) - (old & PageBit.cached), dirtyChange);
    chunk.dirty += dirtyChange;
    if (old === 0) chunk.used++;
    if (state === 0 && --chunk.used === 0) this.#dropChunk(index, chunk);
  }

  /** Clears, then sets, bits of the pages of [start, end) that have every bit of `having`. */
  update(start: number, end: number, having: number, clear: number, set: number): void {
    for (
      let page = this.next(start, end, having, having);
      page < end;
      page = this.next(page + 1, end, having, having)
    ) {
      this.set(page, (this.get(page) & ~clear) | set);
    }
  }

  /** The first page in [page, end) whose bits under `mask` are `value`; `end` when there is none. */
  next(page: number, end: number, mask: number, value: number): number {
    while (page < end) {
      const index = Math.floor(page / chunkPages);
      const chunk = this.#chunkAt(index);
      const base = index * chunkPages;
      if (chunk === undefined) {
        if (value === 0) return page;
        page = this.#nextIndex(index) * chunkPages;
        continue;
      }
      const chunkEnd = Math.min(end, base + chunkPages);
      if (chunk.dirty === 0 && (value & PageBit.dirty) !== 0) page = chunkEnd;
      for (; page < chunkEnd; page++) if ((chunk.states[page - base] & mask) === value) return page;
    }
    return end;
  }

  /** The first page in [page, end) whose bits under `mask` are not `value`: the end of a short run. */
  nextUnlike(page: number, end: number, mask: number, value: number): number {
    while (page < end && (this.get(page) & mask) === value) page++;
    return Math.min(page, end);
  }

  /** The first page in [page, end) that has any state. */
  nextUsed(page: number, end: number): number {
    while (page < end) {
      const index = Math.floor(page / chunkPages);
      const states = this.#chunkAt(index)?.states;
      const base = index * chunkPages;
      const chunkEnd = Math.min(end, base + chunkPages);
      if (states === undefined) page = this.#nextIndex(index) * chunkPages;
      else for (; page < chunkEnd; page++) if (states[page - base] !== 0) return page;
    }
    return end;
  }

  /** Forgets everything. */
  clear(): void {
    this.#chunks.clear();
    this.#indexes.length = 0;
    this.#lastIndex = -1;
    this.#last = undefined;
    this.#count(-this.cachedPages, -this.dirtyPages);
  }

  #count(cached: number, dirty: number): void {
    this.cachedPages += cached;
    this.dirtyPages += dirty;
    this.#totals.cached += cached;
    this.#totals.dirty += dirty;
  }

  #chunkAt(index: number): Chunk | undefined {
    if (index === this.#lastIndex) return this.#last;
    this.#last = this.#chunks.get(index);
    this.#lastIndex = index;
    return this.#last;
  }

  #addChunk(index: number): Chunk {
    const chunk = this.#spare ?? { states: new Uint8Array(chunkPages), used: 0, dirty: 0 };
    this.#spare = undefined;
    this.#chunks.set(index, chunk);
    this.#indexes.splice(this.#rank(index), 0, index);
    this.#last = chunk;
    this.#lastIndex = index;
    return chunk;
  }

  #dropChunk(index: number, chunk: Chunk): void {
    this.#spare = chunk; // All of it is zero again.
    this.#chunks.delete(index);
    this.#indexes.splice(this.#rank(index), 1);
    this.#lastIndex = -1;
    this.#last = undefined;
  }

  /** The index of the first chunk behind this one; Infinity when there is none. */
  #nextIndex(index: number): number {
    return this.#indexes[this.#rank(index + 1)] ?? Number.POSITIVE_INFINITY;
  }

  /** How many chunks lie before this index. */
  #rank(index: number): number {
    let low = 0;
    let high = this.#indexes.length;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (this.#indexes[middle] < index) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
