import { Mode } from "../core/units.js";
import type { NodeMetrics } from "./metrics.js";
import type { NodeFile } from "./node-file.js";

/** Pages looked at in one step of a file's clock hand. */
const sweepPages = 256;
/** Part of the budget that is freed at a time, so that a full cache does not sweep at every fault. */
const slack = 1 / 16;
/** Copies of pages that have left the cache may take this part of the budget before a sync is asked for to be rid of them. */
const keptShare = 1 / 4;

/** Keeps the node's cache within its budget: cold pages go, dirty ones written back first. Tokens stay. */
export class CacheBudget {
  readonly #pagesMax: number;
  readonly #metrics: NodeMetrics;
  #turn = 0;

  constructor(pagesMax: number, metrics: NodeMetrics) {
    this.#pagesMax = pagesMax;
    this.#metrics = metrics;
  }

  /** Whether so many copies wait for a sync (R20) that it has to come now: what is evicted frees nothing until then. */
  isOverdue(keptPages: number): boolean {
    return keptPages > this.#pagesMax * keptShare;
  }

  /** Evicts until there is some room again, if the budget is used up. */
  keep(opened: Iterable<{ readonly file: NodeFile }>, cachedPages: number): void {
    if (cachedPages <= this.#pagesMax) return;
    // Nothing goes while the home is away, and to look for what might would unmap what programs work with.
    const files = [...opened].flatMap(({ file }) => (file.frames.isReady ? [file] : []));
    if (files.length === 0) return;
    const target = Math.floor(this.#pagesMax * (1 - slack));
    let excess = cachedPages - target;
    // Twice around every cache: the first time each page may get its second chance.
    for (let steps = Math.ceil((cachedPages * 3) / sweepPages) + files.length; steps > 0 && excess > 0; steps--) {
      const file = files[this.#turn++ % files.length];
      if (!file.cache.sweep(sweepPages)) continue;
      excess -= this.#evict(file, file.cache.sweepStart, file.cache.sweepEnd);
    }
  }

  /** @returns how many pages went. None while the kernel still has some, or the connection no room for the dirty ones: then later. */
  #evict(file: NodeFile, start: number, end: number): number {
    if (file.tokens.isPinned(start, end)) return 0;
    if (!file.recall(Mode.none, start, end) || !file.writeBack(start, end)) return 0;
    const before = file.cache.cachedPages;
    file.evict(start, end);
    file.tokens.evicted(start, end);
    const evicted = before - file.cache.cachedPages;
    this.#metrics.evictedPages += evicted;
    return evicted;
  }
}
