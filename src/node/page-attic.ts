import { DutyNumbers } from "../core/token/duty-numbers.js";
import { pageBytes } from "../core/units.js";
import * as libc from "../kernel/libc.js";
import { MemoryFile } from "../kernel/memory-file.js";
import type { Pager } from "../mapping/pager.js";

/** As many as a file can have; memory follows what is kept. */
const slotsMax = 2 ** 41;

/** So much memory stays: a page that goes back and forth is kept, and kept no more, a thousand times a second. */
const idleSlotsMax = 256;

/** Where copies of pages are kept that have left the cache and may have to be sent again (R20): slots of a memfd. */
export class PageAttic {
  readonly #memory = new MemoryFile("dmmap:attic", slotsMax);
  readonly #free: number[] = [];
  #next = 0;

  /** Of this node's duties (R20), whatever their files. */
  readonly duties = new DutyNumbers();

  /** It is there until the pager has ended: what a node does last may free a slot. */
  constructor(pager: Pager) {
    pager.onEnd = () => this.#memory.close();
  }

  get keptPages(): number {
    return this.#next - this.#free.length;
  }

  /** @returns a slot for a page, to be copied to `addressOf`. */
  take(): number {
    return this.#free.pop() ?? this.#next++;
  }

  /** Good until the next call. */
  addressOf(slot: number): number {
    return this.#memory.aliasAddress(slot);
  }

  read(slot: number, to: number): void {
    this.#memory.read(slot, to, pageBytes);
  }

  free(slot: number): void {
    this.#free.push(slot);
    if (this.#free.length < this.#next || this.#next <= idleSlotsMax) return;
    // Nothing is kept any more: give the memory back.
    this.#memory.punch(0, this.#next);
    this.#free.length = 0;
    this.#next = 0;
  }

  /** Zeros behind `keepBytes` of a kept page: the file has been cut there (R7). */
  cut(slot: number, keepBytes: number): void {
    libc.memset(this.addressOf(slot) + keepBytes, 0, pageBytes - keepBytes);
  }
}
