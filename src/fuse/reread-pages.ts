import { TokenRanges } from "../core/token-ranges.js";
import { Mode, type PageIndex } from "../core/units.js";

/** Beyond so many pieces it is no more kept apart what was dropped from what lies between: what that costs is a drop too many. */
const piecesMax = 64;

/**
 * Pages of a file that the kernel was given to read once more since the last write through its cache was answered, after it had
 * dropped them. Those may lack what a program writes:
 *
 * 1. write(2) copies bytes into a page of the kernel's cache that is up to date, which nobody keeps locked. 2. The kernel is told
 * to drop the page, and does. 3. A program reads there: the kernel is given a page without those bytes, since 4. only now are they
 * sent here. The kernel believes that it has them.
 *
 * A program writes to a file after its last write there was answered, and one at a time.
 */
export class RereadPages {
  /** What the kernel has dropped, or may have, since it was told to. */
  readonly #dropped = new TokenRanges();
  /** In the place of the epoch, the thread that read. */
  readonly #read = new TokenRanges();
  /** Of these, what was read since the kernel was told to drop it: that may have been before it did, or after. */
  readonly #readSince = new TokenRanges();
  /** What is written just now, and read with that from here on. */
  #takenStart: PageIndex = 0;
  #takenEnd: PageIndex = 0;

  /** The kernel is told to drop these. */
  recalled(start: PageIndex, end: PageIndex): void {
    this.#readSince.set(start, end, Mode.none, 0);
    this.mayDrop(start, end);
  }

  /** The kernel may drop these from here on, by itself. */
  mayDrop(start: PageIndex, end: PageIndex): void {
    const dropped = this.#dropped;
    dropped.set(start, end, Mode.read, 1);
    if (dropped.count > piecesMax) dropped.set(dropped.start(0), dropped.end(dropped.count - 1), Mode.read, 1);
  }

  /** The kernel has dropped these, as it was told. */
  dropped(start: PageIndex, end: PageIndex): void {
    const since = this.#readSince;
    this.#read.set(start, end, Mode.none, 0);
    for (let index = since.firstEndingAfter(start); index < since.count && since.start(index) < end; index++) {
      const [from, to] = [Math.max(start, since.start(index)), Math.min(end, since.end(index))];
      this.#read.set(from, to, Mode.read, since.epoch(index));
    }
  }

  /** The kernel is given these, which a thread reads; 0 when that is not known. */
  given(start: PageIndex, end: PageIndex, thread: number): void {
    if (start < this.#takenEnd && end > this.#takenStart) {
      if (start < this.#takenStart) this.given(start, this.#takenStart, thread);
      if (end > this.#takenEnd) this.given(this.#takenEnd, end, thread);
      return;
    }
    const dropped = this.#dropped;
    for (let index = dropped.firstEndingAfter(start); index < dropped.count && dropped.start(index) < end; index++) {
      const [from, to] = [Math.max(start, dropped.start(index)), Math.min(end, dropped.end(index))];
      this.#read.set(from, to, Mode.read, thread);
      this.#readSince.set(from, to, Mode.read, thread);
    }
  }

  /** What a write brings for these is here: who reads them lacks nothing of it. None: the same page twice. */
  taken(start: PageIndex, end: PageIndex): void {
    [this.#takenStart, this.#takenEnd] = [start, end];
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

  /** A write is answered; `recalled`: what the kernel is being told to drop. */
  clear(recalled: TokenRanges): void {
    if (this.#dropped.count === 0) return;
    this.#dropped.clear();
    this.#read.clear();
    this.#readSince.clear();
    recalled.each((mode, start, end) => this.#dropped.set(start, end, mode, 1));
  }
}
