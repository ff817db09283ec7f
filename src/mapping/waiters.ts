import type { CacheView } from "./cache-view.js";

/**
 * The threads that wait in a fault, as (view, page) pairs: as many as there are blocked threads, so a short list that is
 * searched from end to end. Adding and removing allocate nothing.
 */
export class Waiters {
  count = 0;
  #pages = new Float64Array(64);
  #threads = new Int32Array(64);
  #protections = new Uint8Array(64);
  #views: (CacheView | undefined)[] = new Array(64).fill(undefined);

  /**
   * Adds the pair unless it is there: the kernel wakes all threads of a view's page together. `isProtected`: the page is
   * mapped in this view, and the thread waits for its write-protection to be lifted.
   */
  add(view: CacheView, page: number, isProtected: boolean, thread: number): void {
    for (let index = 0; index < this.count; index++) {
      if (this.#pages[index] !== page || this.#views[index] !== view) continue;
      if (!isProtected) this.#protections[index] = 0;
      return;
    }
    if (this.count === this.#pages.length) this.#grow();
    this.#pages[this.count] = page;
    this.#threads[this.count] = thread;
    this.#protections[this.count] = isProtected ? 1 : 0;
    this.#views[this.count++] = view;
  }

  page(index: number): number {
    return this.#pages[index];
  }

  isProtected(index: number): boolean {
    return this.#protections[index] === 1;
  }

  /** The Linux id of the first thread that waits for this pair. */
  thread(index: number): number {
    return this.#threads[index];
  }

  view(index: number): CacheView {
    return this.#views[index] as CacheView;
  }

  /** The highest index below `before` whose page lies in [start, end); -1 when there is none. Removing it keeps the rest. */
  previous(before: number, start: number, end: number): number {
    for (let index = Math.min(before, this.count) - 1; index >= 0; index--) {
      if (this.#pages[index] >= start && this.#pages[index] < end) return index;
    }
    return -1;
  }

  /** Removes one; the last takes its place, so walk the list downwards. */
  remove(index: number): void {
    const last = --this.count;
    this.#pages[index] = this.#pages[last];
    this.#threads[index] = this.#threads[last];
    this.#protections[index] = this.#protections[last];
    this.#views[index] = this.#views[last];
    this.#views[last] = undefined;
  }

  #grow(): void {
    const pages = new Float64Array(this.#pages.length * 2);
    pages.set(this.#pages);
    this.#pages = pages;
    const threads = new Int32Array(pages.length);
    threads.set(this.#threads);
    this.#threads = threads;
    const protections = new Uint8Array(pages.length);
    protections.set(this.#protections);
    this.#protections = protections;
    this.#views.push(...new Array(this.count).fill(undefined));
  }
}
