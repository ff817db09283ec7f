import { TokenRanges } from "../core/token-ranges.js";
import { Mode, type PageIndex } from "../core/units.js";

/** Tells the kernel to drop pages; `KernelPages.onDropped` is called when it has. */
export type DropPages = (start: PageIndex, end: PageIndex, recall: number) => void;

interface Recall {
  readonly id: number;
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
  readonly #drop: DropPages;
  readonly #given = new TokenRanges();
  #recalls: Recall[] = [];
  #recallLast = 0;

  constructor(drop: DropPages) {
    this.#drop = drop;
  }

  get isEmpty(): boolean {
    return this.#given.count === 0;
  }

  has(start: PageIndex, end: PageIndex): boolean {
    return this.#given.strongest(start, end) !== Mode.none;
  }

  /** Whether the kernel is being told to drop any of these, and has not answered. */
  isRecalled(start: PageIndex, end: PageIndex): boolean {
    return this.#recalls.some((recall) => recall.start < end && recall.end > start);
  }

  /** The kernel is answered with these pages. */
  give(start: PageIndex, end: PageIndex): void {
    this.#given.set(start, end, Mode.read, 1);
    for (const recall of this.#recalls) {
      recall.givenSince.set(Math.max(start, recall.start), Math.min(end, recall.end), Mode.read, 1);
    }
  }

  /** The kernel asks for these, so it does not have them; or it is known to have dropped them by itself. */
  forget(start: PageIndex, end: PageIndex): void {
    this.#given.set(start, end, Mode.none, 0);
    for (const recall of this.#recalls) recall.givenSince.set(start, end, Mode.none, 0);
  }

  /** Has the kernel drop what it has of the range. @returns whether it has none of it now. */
  recall(start: PageIndex, end: PageIndex): boolean {
    if (!this.has(start, end)) return true;
    const given = this.#given;
    for (let index = given.firstEndingAfter(start); index < given.count && given.start(index) < end; index++) {
      this.#recallRun(Math.max(start, given.start(index)), Math.min(end, given.end(index)));
    }
    return false;
  }

  /** The kernel has dropped the pages of this recall. */
  onDropped(id: number): void {
    const done = this.#recalls.find((recall) => recall.id === id);
    if (done === undefined) return;
    this.#recalls = this.#recalls.filter((recall) => recall !== done);
    this.#given.set(done.start, done.end, Mode.none, 0);
    done.givenSince.each((mode, start, end) => this.#given.set(start, end, mode, 1));
  }

  describe(): string {
    const ranges: string[] = [];
    this.#given.each((_mode, start, end) => ranges.push(`${start}..${end}`));
    const recalls = this.#recalls.map(({ start, end }) => `${start}..${end}`);
    return `has ${ranges.join(", ") || "nothing"}, is to drop ${recalls.join(", ") || "nothing"}`;
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
    const running = this.#recalls.find((recall) => recall.start < end && recall.end > start);
    if (running !== undefined) {
      this.#recallRun(start, Math.min(end, running.start));
      this.#recallRun(Math.max(start, running.end), end);
      return;
    }
    const id = ++this.#recallLast;
    this.#recalls.push({ id, start, end, givenSince: new TokenRanges() });
    this.#drop(start, end, id);
  }
}
