import { type ByteOffset, type PageIndex, pageAt, pageEndAt } from "../core/units.js";

interface Write {
  readonly start: ByteOffset;
  readonly end: ByteOffset;
}

/**
 * Writes that are making one file longer, under tokens that are held already. Until this node has taken their bytes, nobody here
 * reads those pages, and their tokens stay:
 *
 * 1. A program appends. 2. The home makes the file longer, and all nodes hear of the new size; this one before the answer that
 * lets it take the bytes. 3. Another program reads that page, here or on the host that has got the token: zeros.
 *
 * Who waits for such a write may keep its page locked in the kernel: the write does not need it any more, and waits for nobody
 * but the home.
 */
export class WritesUnderWay {
  readonly #writes = new Set<Write>();
  #waiters: { readonly start: PageIndex; readonly end: PageIndex; readonly act: () => void }[] = [];

  /** @returns what ends it; called again it does nothing. */
  begin(start: ByteOffset, end: ByteOffset): () => void {
    const write = { start, end };
    this.#writes.add(write);
    return () => {
      if (this.#writes.delete(write)) this.#goOn();
    };
  }

  /** Whether any of them touches these pages. */
  touches(start: PageIndex, end: PageIndex): boolean {
    for (const write of this.#writes) if (pageAt(write.start) < end && pageEndAt(write.end) > start) return true;
    return false;
  }

  /** Whether the file will be at least as long as this when they are done. */
  reaches(size: ByteOffset): boolean {
    for (const { end } of this.#writes) if (end >= size) return true;
    return false;
  }

  /** Calls `act` when none touches these pages, unless the returned function is called before. */
  whenClear(start: PageIndex, end: PageIndex, act: () => void): () => void {
    const waiter = { start, end, act };
    this.#waiters.push(waiter);
    return () => {
      this.#waiters = this.#waiters.filter((other) => other !== waiter);
    };
  }

  #goOn(): void {
    const free = this.#waiters.filter(({ start, end }) => !this.touches(start, end));
    for (const waiter of free) {
      const at = this.#waiters.indexOf(waiter);
      if (at < 0) continue; // Cancelled by one that went before.
      this.#waiters.splice(at, 1);
      waiter.act();
    }
  }
}
