import type { Micros, PageIndex } from "../core/units.js";
import { threadMicros } from "../kernel/clock.js";

/** A fault that takes longer is worth a word. */
export const stallMicros = 1_000_000;
/** A thread that has used this much CPU since its fault was answered has left the fault and retried its access. */
const runMicros = 5;
const letOnMax = 32;

/**
 * How long threads slept in faults, and whether those that were let on have run since. The second is what a minimum hold
 * is for (R10), measured instead of guessed: a thread in a fault uses no CPU time, so any that it used came after.
 */
export class FaultClock {
  readonly #since = new Map<PageIndex, Micros>();
  readonly #pages = new Float64Array(letOnMax).fill(-1);
  readonly #threads = new Int32Array(letOnMax);
  readonly #usedMicros = new Float64Array(letOnMax);
  #next = 0;

  start(page: PageIndex, now: Micros): void {
    if (!this.#since.has(page)) this.#since.set(page, now);
  }

  /** @returns how long the page's first thread has waited. */
  stop(page: PageIndex, now: Micros): Micros {
    const since = this.#since.get(page);
    this.#since.delete(page);
    return since === undefined ? 0 : now - since;
  }

  /** When the first of those that wait began; Infinity when none waits. */
  get oldest(): Micros {
    for (const since of this.#since.values()) return since; // A Map keeps the order of insertion.
    return Number.POSITIVE_INFINITY;
  }

  get oldestPage(): PageIndex {
    for (const page of this.#since.keys()) return page;
    return -1;
  }

  clear(): void {
    this.#since.clear();
  }

  /** The pages that somebody has waited for since `before` or longer. */
  waitingSince(before: Micros): PageIndex[] {
    return [...this.#since].filter(([, since]) => since <= before).map(([page]) => page);
  }

  /** `letOn` for every page of the range that somebody waits for. */
  letOnWaiting(start: PageIndex, end: PageIndex, waiters: { waitingThread(page: PageIndex): number }): void {
    for (const page of this.#since.keys()) {
      if (page >= start && page < end) this.letOn(page, waiters.waitingThread(page));
    }
  }

  /** Called while the thread (its Linux id; 0 for none) still sleeps in its fault. */
  letOn(page: PageIndex, thread: number): void {
    const index = this.#next;
    this.#next = (index + 1) % letOnMax;
    this.#pages[index] = page;
    this.#threads[index] = thread;
    this.#usedMicros[index] = thread === 0 ? 0 : threadMicros(thread);
  }

  hasRun(page: PageIndex): boolean {
    for (let index = 0; index < letOnMax; index++) {
      const thread = this.#threads[index];
      if (this.#pages[index] !== page || thread === 0) continue;
      const usedMicros = threadMicros(thread);
      // Negative: the thread has ended.
      if (usedMicros >= 0 && usedMicros - this.#usedMicros[index] < runMicros) return false;
      this.#pages[index] = -1;
    }
    return true;
  }
}
