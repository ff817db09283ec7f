import { TokenRanges } from "../core/token-ranges.js";
import { Mode, type PageIndex } from "../core/units.js";

/** Beyond so many pieces it is no more kept apart what was dropped from what lies between: what that costs is a drop too many. */
const piecesMax = 64;

/**
 * Pages of a file that the kernel was given once more since the last write through its cache was answered, after it had dropped
 * them. Those may lack what a program writes:
 *
 * 1. write(2) copies bytes into a page of the kernel's cache that is up to date, which nobody keeps locked. 2. The kernel is told
 * to drop the page, and does. 3. A program reads there: the kernel is given a page without those bytes, since 4. only now are they
 * sent here. The kernel believes that it has them.
 *
 * A program writes to a file after its last write there was answered, and one at a time.
 */
export class RereadPages {
  readonly #dropped = new TokenRanges();
  /** In the place of the epoch, the thread that read. */
  readonly #read = new TokenRanges();

  /** The kernel has dropped these. */
  dropped(start: PageIndex, end: PageIndex): void {
    const dropped = this.#dropped;
    dropped.set(start, end, Mode.read, 1);
    this.#read.set(start, end, Mode.none, 0);
    if (dropped.count > piecesMax) dropped.set(dropped.start(0), dropped.end(dropped.count - 1), Mode.read, 1);
  }

  /** The kernel was given these, which a thread reads; 0 when that is not known. */
  given(start: PageIndex, end: PageIndex, thread: number): void {
    const dropped = this.#dropped;
    for (let index = dropped.firstEndingAfter(start); index < dropped.count && dropped.start(index) < end; index++) {
      const [from, to] = [Math.max(start, dropped.start(index)), Math.min(end, dropped.end(index))];
      this.#read.set(from, to, Mode.read, thread);
    }
  }

  /**
   * Whether any of these may lack what this thread has written to them. What a thread has read itself, it read before it wrote; but
   * to copy what comes next in the same write, it may have to read the page that it copies from.
   */
  mayLack(start: PageIndex, end: PageIndex, thread: number): boolean {
    const read = this.#read;
    for (let index = read.firstEndingAfter(start); index < read.count && read.start(index) < end; index++) {
      const isLast = Math.max(start, read.start(index)) === end - 1;
      if (thread === 0 || read.epoch(index) !== thread || !isLast) return true;
    }
    return false;
  }

  /** A write has been answered. */
  clear(): void {
    if (this.#dropped.count === 0) return;
    this.#dropped.clear();
    this.#read.clear();
  }
}
