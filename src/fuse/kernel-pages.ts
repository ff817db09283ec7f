import { TokenRanges } from "../core/token-ranges.js";
import { Mode, type PageIndex } from "../core/units.js";
import { RereadPages } from "./reread-pages.js";

/** Tells the kernel to drop pages; `KernelPages.onDropped` is called when it has. */
export type DropPages = (start: PageIndex, end: PageIndex, recall: number) => void;

interface Recall {
  readonly start: PageIndex;
  readonly end: PageIndex;
  /** What the kernel has been given again since: it may or may not have been dropped with the rest. */
  readonly givenSince: TokenRanges;
}

/**
 * Which pages of one file the kernel may have in its cache: those that it was answered with, until it has been told to
 * drop them. It may have fewer (it does not say what it drops by itself), never more.
 */
export class KernelPages {
  readonly reread = new RereadPages();
  readonly #drop: DropPages;
  readonly #given = new TokenRanges();
  readonly #recalls = new Map<number, Recall>();
  /** What is being dropped; in the place of the epoch, the number of the recall. */
  readonly #running = new TokenRanges();
  #recallLast = 0;
  /**
   * All that was given here is being dropped. A file of which the kernel has thousands of runs is asked for again with each of
   * them that goes: that must not look at all the others.
   */
  #toldStart: PageIndex = 0;
  #toldEnd: PageIndex = 0;

  constructor(drop: DropPages) {
    this.#drop = drop;
  }

  get isEmpty(): boolean {
    return this.#given.count === 0;
  }

  has(start: PageIndex, end: PageIndex): boolean {
    return reaches(this.#given, start, end);
  }

  /** Whether the kernel is being told to drop any of these, and has not answered. */
  isRecalled(start: PageIndex, end: PageIndex): boolean {
    return reaches(this.#running, start, end);
  }

  /** The kernel is answered with these pages. */
  give(start: PageIndex, end: PageIndex): void {
    this.#given.set(start, end, Mode.read, 1);
    this.#eachRunning(start, end, (recall) => {
      recall.givenSince.set(Math.max(start, recall.start), Math.min(end, recall.end), Mode.read, 1);
    });
    if (start < this.#toldEnd && end > this.#toldStart) this.#toldEnd = this.#toldStart;
  }

  /** The same, for a thread that reads them; 0 when that is not known. */
  giveRead(start: PageIndex, end: PageIndex, thread: number): void {
    this.give(start, end);
    this.reread.given(start, end, thread);
  }

  /** A write through the kernel's cache is answered: by its end, the kernel has what it wrote, or none of it. */
  onWritten(): void {
    this.reread.clear(this.#running);
  }

  /** The kernel asks for these, so it does not have them; or it is known to have dropped them by itself. */
  forget(start: PageIndex, end: PageIndex): void {
    this.#given.set(start, end, Mode.none, 0);
    this.forgetSince(start, end);
  }

  /** The kernel asks for these while it is told to drop them: so it does not have them in the end, unless it is answered first. */
  forgetSince(start: PageIndex, end: PageIndex): void {
    this.#eachRunning(start, end, ({ givenSince }) => givenSince.set(start, end, Mode.none, 0));
  }

  /** Has the kernel drop what it has of the range. @returns whether it has none of it now. */
  recall(start: PageIndex, end: PageIndex): boolean {
    if (!this.has(start, end)) return true;
    if (start >= this.#toldStart && end <= this.#toldEnd) return false;
    const given = this.#given;
    for (let at = start; at < end; ) {
      const index = given.firstEndingAfter(at);
      if (index === given.count || given.start(index) >= end) break;
      const from = Math.max(at, given.start(index));
      at = Math.min(end, given.end(index));
      this.#recallRun(from, at);
    }
    [this.#toldStart, this.#toldEnd] = [start, end];
    return false;
  }

  /** The kernel has dropped the pages of this recall. @returns whether it may have some of them all the same. */
  onDropped(id: number): boolean {
    const done = this.#recalls.get(id);
    if (done === undefined) return false;
    this.#recalls.delete(id);
    this.reread.dropped(done.start, done.end);
    this.#running.set(done.start, done.end, Mode.none, 0);
    this.#given.set(done.start, done.end, Mode.none, 0);
    done.givenSince.each((mode, start, end) => {
      this.#given.set(start, end, mode, 1);
      this.#toldEnd = this.#toldStart;
    });
    return done.givenSince.count > 0;
  }

  describe(): string {
    return `has ${this.#given.describe()}, is to drop ${this.#running.describe()}`;
  }

  /**
   * Never tells twice of one page at a time:
   *
   * 1. The kernel is told to drop 5..8, then, before it has, 0..8.
   * 2. It has dropped 5..8; the token for that goes to another node.
   * 3. A program touches page 5, which the kernel keeps locked until its READ is answered: with that node's leave.
   * 4. The kernel comes to 0..8, and waits for page 5. So 0..5 is never known to be dropped; and what the other node wants
   *    before it gives 5 back is 0.
   */
  #recallRun(start: PageIndex, end: PageIndex): void {
    if (start >= end) return;
    const running = this.#running;
    if (reaches(running, start, end)) {
      const first = running.firstEndingAfter(start);
      const [runningStart, runningEnd] = [running.start(first), running.end(first)];
      this.#recallRun(start, Math.min(end, runningStart));
      this.#recallRun(Math.max(start, runningEnd), end);
      return;
    }
    const id = ++this.#recallLast;
    this.#recalls.set(id, { start, end, givenSince: new TokenRanges() });
    running.set(start, end, Mode.read, id);
    this.reread.recalled(start, end);
    this.#drop(start, end, id);
  }

  #eachRunning(start: PageIndex, end: PageIndex, act: (recall: Recall) => void): void {
    const running = this.#running;
    for (let index = running.firstEndingAfter(start); index < running.count && running.start(index) < end; index++) {
      const recall = this.#recalls.get(running.epoch(index));
      if (recall !== undefined) act(recall);
    }
  }
}

/** Whether anything is set of [start, end). */
function reaches(ranges: TokenRanges, start: PageIndex, end: PageIndex): boolean {
  const index = ranges.firstEndingAfter(start);
  return index < ranges.count && ranges.start(index) < end;
}
