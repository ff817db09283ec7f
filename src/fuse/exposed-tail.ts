import { type ByteOffset, type PageIndex, pageAt, pageBytes, pageEndAt } from "../core/units.js";
import * as libc from "../kernel/libc.js";

/**
 * What programs have stored behind a file's end, in its last page, through maps: it never becomes part of the file (R7), and is
 * not sent while it is behind the end. But:
 *
 * 1. A program of this mount makes the file longer, by ftruncate. 2. The kernel has the answer, and with it the new end. 3. It
 * drops the page, for which it writes it down: all of it now lies in the file.
 *
 * So that one write is taken without what was behind the end before. It is the first thing that is heard of the page: to store
 * to it anew, the kernel has to read it anew.
 */
export class ExposedTail {
  #start: ByteOffset = 0;
  #end: ByteOffset = 0;

  /** The file ended at `from`, and is longer from now on: what is stored up to `until` is not part of it. */
  expose(from: ByteOffset, until: ByteOffset = pageEndAt(from) * pageBytes): void {
    this.#start = from;
    this.#end = Math.min(until, pageEndAt(from) * pageBytes);
  }

  /** The kernel reads these pages, or is given them: it has none of what was there before. */
  forget(start: PageIndex, end: PageIndex): void {
    if (this.#end > this.#start && start <= pageAt(this.#start) && pageAt(this.#start) < end) this.#end = this.#start;
  }

  /** Zeroes of bytes that the kernel writes down, which lie at `address`, what is not part of the file. */
  clean(offset: ByteOffset, byteLength: number, address: number): void {
    const from = Math.max(offset, this.#start);
    const until = Math.min(offset + byteLength, this.#end);
    if (from < until) libc.memset(address + from - offset, 0, until - from);
  }
}
