import type { PageIndex } from "../core/units.js";

/** A set of pages as sorted, disjoint runs. */
export class PageRuns {
  #starts: PageIndex[] = [];
  #ends: PageIndex[] = [];

  get count(): number {
    return this.#starts.length;
  }

  add(start: PageIndex, end: PageIndex): void {
    let first = this.#starts.length;
    while (first > 0 && this.#ends[first - 1] >= start) first--;
    let last = first;
    while (last < this.#starts.length && this.#starts[last] <= end) last++;
    const from = last > first ? Math.min(start, this.#starts[first]) : start;
    const to = last > first ? Math.max(end, this.#ends[last - 1]) : end;
    this.#starts.splice(first, last - first, from);
    this.#ends.splice(first, last - first, to);
  }

  forEach(act: (start: PageIndex, end: PageIndex) => void): void {
    for (let index = 0; index < this.#starts.length; index++) act(this.#starts[index], this.#ends[index]);
  }

  /** Empties this set into a new one. */
  take(): PageRuns {
    const taken = new PageRuns();
    taken.#starts = this.#starts;
    taken.#ends = this.#ends;
    this.#starts = [];
    this.#ends = [];
    return taken;
  }
}
