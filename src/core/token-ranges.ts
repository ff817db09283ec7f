import { assert } from "./assert.js";
import { type Epoch, Mode, type PageIndex } from "./units.js";

/** Segments told of in one line. */
const describedMax = 16;
/** Where no more than this many have to be moved, that is done by hand: `splice` makes an array of what it takes out. */
const movedMax = 32;

/**
 * Page ranges with the token held on each: sorted, disjoint, never empty, and neighbours that say the same are one. Its
 * size follows the number of boundaries, not of pages. Look-ups are a binary search and allocate nothing.
 *
 * Segments are read by index: `start(i)`, `end(i)`, `mode(i)`, `epoch(i)`; `firstEndingAfter` finds where to begin.
 */
export class TokenRanges {
  readonly #starts: PageIndex[] = [];
  readonly #ends: PageIndex[] = [];
  readonly #modes: Mode[] = [];
  readonly #epochs: Epoch[] = [];

  get count(): number {
    return this.#starts.length;
  }

  start(index: number): PageIndex {
    return this.#starts[index];
  }

  end(index: number): PageIndex {
    return this.#ends[index];
  }

  mode(index: number): Mode {
    return this.#modes[index];
  }

  epoch(index: number): Epoch {
    return this.#epochs[index];
  }

  /** Index of the first segment that ends after this page; `count` when there is none. */
  firstEndingAfter(page: PageIndex): number {
    let low = 0;
    let high = this.#ends.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#ends[middle] > page) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  modeAt(page: PageIndex): Mode {
    const index = this.#indexAt(page);
    return index < 0 ? Mode.none : this.#modes[index];
  }

  /** The epoch of the token on this page; 0 where none is held (no grant has that number). */
  epochAt(page: PageIndex): Epoch {
    const index = this.#indexAt(page);
    return index < 0 ? 0 : this.#epochs[index];
  }

  /** The weakest mode anywhere in the range: `none` if there is a gap. */
  weakest(start: PageIndex, end: PageIndex): Mode {
    let weakest: Mode = Mode.write;
    let reached = start;
    for (let index = this.firstEndingAfter(start); reached < end; index++) {
      if (index === this.count || this.#starts[index] > reached) return Mode.none;
      if (this.#modes[index] < weakest) weakest = this.#modes[index];
      reached = this.#ends[index];
    }
    return weakest;
  }

  /** The strongest mode anywhere in the range. */
  strongest(start: PageIndex, end: PageIndex): Mode {
    let strongest: Mode = Mode.none;
    for (let index = this.firstEndingAfter(start); index < this.count && this.#starts[index] < end; index++) {
      if (this.#modes[index] > strongest) strongest = this.#modes[index];
    }
    return strongest;
  }

  /** The newest epoch anywhere in the range; Infinity if there is a gap. */
  newest(start: PageIndex, end: PageIndex): Epoch {
    if (this.weakest(start, end) === Mode.none) return Number.POSITIVE_INFINITY;
    let newest = 0;
    for (let index = this.firstEndingAfter(start); index < this.count && this.#starts[index] < end; index++) {
      if (this.#epochs[index] > newest) newest = this.#epochs[index];
    }
    return newest;
  }

  /** Replaces whatever was in the range. `Mode.none` empties it. */
  set(start: PageIndex, end: PageIndex, mode: Mode, epoch: Epoch): void {
    if (start >= end || this.#isSo(start, end, mode, epoch)) return;
    const first = this.#cutAt(start);
    const last = this.#cutAt(end);
    const replaced = last - first;
    if (mode === Mode.none) this.#remove(first, replaced);
    else this.#replace(first, replaced, start, end, mode, epoch);
  }

  /** Grants `mode` on the range at `epoch`; where something stronger is held already, it stays so. */
  raise(start: PageIndex, end: PageIndex, mode: Mode, epoch: Epoch): void {
    let from = start;
    this.#eachPart(start, end, (index, partStart, partEnd) => {
      if (this.#modes[index] <= mode) return;
      const strongMode = this.#modes[index];
      this.set(from, partStart, mode, epoch);
      this.set(partStart, partEnd, strongMode, epoch);
      from = partEnd;
    });
    this.set(from, end, mode, epoch);
  }

  /** Keeps at most `mode` on the range, where the token's epoch is not above `epochMax`. */
  restrict(start: PageIndex, end: PageIndex, mode: Mode, epochMax: Epoch): void {
    this.#eachPart(start, end, (index, partStart, partEnd) => {
      if (this.#modes[index] <= mode || this.#epochs[index] > epochMax) return;
      this.set(partStart, partEnd, mode, this.#epochs[index]);
    });
  }

  /** Gives everything held in the range this epoch: answers to older questions are no longer good (R9). */
  stamp(start: PageIndex, end: PageIndex, epoch: Epoch): void {
    this.#eachPart(start, end, (index, partStart, partEnd) => this.set(partStart, partEnd, this.#modes[index], epoch));
  }

  clear(): void {
    this.#remove(0, this.count);
  }

  each(act: (mode: Mode, start: PageIndex, end: PageIndex, epoch: Epoch) => void): void {
    for (let index = 0; index < this.count; index++) {
      act(this.#modes[index], this.#starts[index], this.#ends[index], this.#epochs[index]);
    }
  }

  /** One line for people. */
  describe(): string {
    const name = { [Mode.none]: "none", [Mode.read]: "read", [Mode.write]: "write" };
    const line = this.#starts
      .slice(0, describedMax)
      .map((start, index) => `${name[this.#modes[index]]} ${start}..${this.#ends[index]} @${this.#epochs[index]}`);
    if (this.count > describedMax) line.push(`and ${this.count - describedMax} more`);
    return line.join(", ") || "none";
  }

  /**
   * Each segment's part of the range, in order. `act` may change that part. Goes on by position, since a segment that
   * reaches beyond the end may or may not have been split there.
   */
  #eachPart(start: PageIndex, end: PageIndex, act: (index: number, start: PageIndex, end: PageIndex) => void): void {
    for (let at = start; at < end; ) {
      const index = this.firstEndingAfter(at);
      if (index === this.count || this.#starts[index] >= end) return;
      const partStart = Math.max(this.#starts[index], start);
      at = Math.min(this.#ends[index], end);
      act(index, partStart, at);
    }
  }

  #indexAt(page: PageIndex): number {
    const index = this.firstEndingAfter(page);
    return index < this.count && this.#starts[index] <= page ? index : -1;
  }

  /** Makes a boundary at this page, splitting a segment if one spans it; returns the index of what begins there or after. */
  #cutAt(page: PageIndex): number {
    const index = this.firstEndingAfter(page);
    if (index === this.count || this.#starts[index] >= page) return index;
    this.#insertCopy(index);
    this.#ends[index] = page;
    this.#starts[index + 1] = page;
    return index + 1;
  }

  #replace(first: number, replaced: number, start: PageIndex, end: PageIndex, mode: Mode, epoch: Epoch): void {
    let [from, to, index, count] = [start, end, first, replaced];
    const before = index - 1;
    if (before >= 0 && this.#ends[before] === start && this.#says(before, mode, epoch)) {
      from = this.#starts[before];
      index = before;
      count++;
    }
    const after = first + replaced;
    if (after < this.count && this.#starts[after] === end && this.#says(after, mode, epoch)) {
      to = this.#ends[after];
      count++;
    }
    assert(from < to, "a segment is never empty");
    if (count === 0) this.#insertCopy(index);
    else this.#remove(index + 1, count - 1);
    this.#starts[index] = from;
    this.#ends[index] = to;
    this.#modes[index] = mode;
    this.#epochs[index] = epoch;
  }

  /** Whether one segment says this of the whole range. */
  #isSo(start: PageIndex, end: PageIndex, mode: Mode, epoch: Epoch): boolean {
    const index = this.firstEndingAfter(start);
    return (
      index < this.count && this.#starts[index] <= start && this.#ends[index] >= end && this.#says(index, mode, epoch)
    );
  }

  #says(index: number, mode: Mode, epoch: Epoch): boolean {
    return this.#modes[index] === mode && this.#epochs[index] === epoch;
  }

  /** Makes room for one more behind this segment, which is then there twice; for the first, or the last, whatever is there. */
  #insertCopy(index: number): void {
    const [starts, ends, modes, epochs] = [this.#starts, this.#ends, this.#modes, this.#epochs];
    if (this.count - index > movedMax) {
      starts.splice(index, 0, starts[index]);
      ends.splice(index, 0, ends[index]);
      modes.splice(index, 0, modes[index]);
      epochs.splice(index, 0, epochs[index]);
      return;
    }
    let at = this.count;
    starts.push(0);
    ends.push(0);
    modes.push(Mode.none);
    epochs.push(0);
    for (; at > index; at--) {
      starts[at] = starts[at - 1];
      ends[at] = ends[at - 1];
      modes[at] = modes[at - 1];
      epochs[at] = epochs[at - 1];
    }
  }

  #remove(index: number, count: number): void {
    const [starts, ends, modes, epochs] = [this.#starts, this.#ends, this.#modes, this.#epochs];
    const { count: former } = this;
    if (count > movedMax || former - index > movedMax) {
      starts.splice(index, count);
      ends.splice(index, count);
      modes.splice(index, count);
      epochs.splice(index, count);
      return;
    }
    for (let at = index + count; at < former; at++) {
      starts[at - count] = starts[at];
      ends[at - count] = ends[at];
      modes[at - count] = modes[at];
      epochs[at - count] = epochs[at];
    }
    for (let left = count; left > 0; left--) {
      starts.pop();
      ends.pop();
      modes.pop();
      epochs.pop();
    }
  }
}
