import type { FileTokens } from "../core/token/file-tokens.js";
import type { PageIndex } from "../core/units.js";
import type { PageCache } from "../mapping/page-cache.js";

/** Pages that one store makes writable, when stores come in order. */
const pagesMax = 256;

/**
 * Stores in order make more and more pages writable at once, under a write token that is held for them: else each page costs
 * a fault after every write-back. Those that are not stored to after all are sent once for nothing.
 */
export class StoreRun {
  readonly #cache: PageCache;
  readonly #tokens: FileTokens;
  #next: PageIndex = -1;
  #pages = 1;

  constructor(cache: PageCache, tokens: FileTokens) {
    this.#cache = cache;
    this.#tokens = tokens;
  }

  /** A store to this page is to be allowed. @returns up to where more of them may be. */
  next(page: PageIndex): PageIndex {
    this.#pages = page === this.#next ? Math.min(this.#pages * 4, pagesMax) : 1;
    this.#next = this.#cache.nextUncached(page + 1, this.#tokens.writeEnd(page, page + this.#pages));
    return this.#next;
  }
}
