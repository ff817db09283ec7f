import type { PageIndex } from "../core/units.js";
import * as libc from "../kernel/libc.js";
import { NativeBuffer } from "../kernel/native-buffer.js";
import { pageBytes } from "../kernel/page-size.js";

const madvDontNeed = 4;

/** Room in memory, for one store, for pages that the disk refused. Address space is taken when first needed. */
export class RefusedPool {
  readonly #slotMax: number;
  readonly #free: number[] = [];
  #memory: NativeBuffer | undefined;
  #slotsEver = 0;

  constructor(bytesMax: number) {
    this.#slotMax = Math.floor(bytesMax / pageBytes);
  }

  get bytes(): number {
    return (this.#slotsEver - this.#free.length) * pageBytes;
  }

  get freePages(): number {
    return this.#slotMax - this.#slotsEver + this.#free.length;
  }

  /** The address of a page-sized place; the caller looked at `freePages`. */
  take(): number {
    this.#memory ??= new NativeBuffer(this.#slotMax * pageBytes);
    const slot = this.#free.pop() ?? this.#slotsEver++;
    return this.#memory.address + slot * pageBytes;
  }

  give(address: number): void {
    if (this.#memory === undefined) return;
    this.#free.push((address - this.#memory.address) / pageBytes);
    if (this.#free.length < this.#slotsEver) return;
    // The last one: the memory goes back to the system.
    libc.madvise(this.#memory.address, this.#slotsEver * pageBytes, madvDontNeed);
    this.#free.length = 0;
    this.#slotsEver = 0;
  }
}

/** One file's pages that the disk refused. Newer than what is on the disk: reads see them first. */
export class RefusedPages {
  readonly #pool: RefusedPool;
  readonly #places = new Map<PageIndex, number>();

  constructor(pool: RefusedPool) {
    this.#pool = pool;
  }

  get count(): number {
    return this.#places.size;
  }

  pages(): PageIndex[] {
    return [...this.#places.keys()].sort((one, other) => one - other);
  }

  addressOf(page: PageIndex): number | undefined {
    return this.#places.get(page);
  }

  /** Keeps pages [start, end) from memory. @returns false, having kept none, when there is no room for all. */
  keep(start: PageIndex, end: PageIndex, from: number): boolean {
    let wanted = 0;
    for (let page = start; page < end; page++) if (!this.#places.has(page)) wanted++;
    if (wanted > this.#pool.freePages) return false;
    for (let page = start; page < end; page++) {
      let place = this.#places.get(page);
      if (place === undefined) {
        place = this.#pool.take();
        this.#places.set(page, place);
      }
      libc.memcpy(place, from + (page - start) * pageBytes, pageBytes);
    }
    return true;
  }

  /** Forgets pages [start, end): they are down, superseded, or cut off. */
  drop(start: PageIndex, end: PageIndex): void {
    if (this.#places.size === 0) return;
    for (const [page, place] of this.#places) {
      if (page < start || page >= end) continue;
      this.#places.delete(page);
      this.#pool.give(place);
    }
  }

  /** Lays those of pages [start, end) that are kept here over what was read from the disk. */
  overlay(start: PageIndex, end: PageIndex, to: number): void {
    for (const [page, place] of this.#places) {
      if (page >= start && page < end) libc.memcpy(to + (page - start) * pageBytes, place, pageBytes);
    }
  }
}
