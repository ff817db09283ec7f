import type { Mode, PageIndex } from "../units.js";

interface Acquire {
  readonly request: number;
  readonly mode: Mode;
  readonly needStart: PageIndex;
  readonly needEnd: PageIndex;
}

/** What the home has been asked for and has not granted. */
export class AcquireList {
  #acquires: Acquire[] = [];

  get count(): number {
    return this.#acquires.length;
  }

  add(acquire: Acquire): void {
    this.#acquires.push(acquire);
  }

  granted(request: number): void {
    this.#acquires = this.#acquires.filter((acquire) => acquire.request !== request);
  }

  /** Whether one of them will bring `mode` on all of [start, end). */
  covers(start: PageIndex, end: PageIndex, mode: Mode): boolean {
    for (const acquire of this.#acquires) {
      if (acquire.mode >= mode && acquire.needStart <= start && acquire.needEnd >= end) return true;
    }
    return false;
  }

  clear(): void {
    this.#acquires = [];
  }
}
