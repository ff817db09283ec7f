import { wordBytes, wordsPerPage } from "./sim-file.js";
import type { SimNode } from "./sim-node.js";
import { requireTrue } from "./violation.js";

/** Whose store made a version. A node that crashes and comes back is another: it has another session. */
export interface Author {
  readonly node: SimNode;
  readonly session: string | undefined;
}

interface Version {
  readonly words: readonly number[];
  readonly by: Author | undefined;
}

/**
 * The memory that the programs are promised, and every version of each page that there has been, so that after a failure it
 * can be told what may be gone: nothing that was synced, and nothing for which somebody who lives has to answer (R20).
 */
export class Reference {
  readonly words: Int32Array;
  readonly #versions: Version[][];
  /** Of each page the version that is on stable storage, be it that nobody knows so. */
  readonly #synced: number[];

  constructor(pagesMax: number) {
    this.words = new Int32Array(pagesMax * wordsPerPage);
    this.#versions = Array.from({ length: pagesMax }, () => [{ words: Array(wordsPerPage).fill(0), by: undefined }]);
    this.#synced = Array(pagesMax).fill(0);
  }

  latest(page: number): number {
    return this.#versions[page].length - 1;
  }

  store(word: number, value: number, node: SimNode): void {
    this.words[word] = value;
    this.#add(Math.floor(word / wordsPerPage), { node, session: node.link.session });
  }

  /** Sizes are durable at once: whichever version of a page is going to be seen, it ends where the file does. */
  resize(sizeBytes: number): void {
    const end = sizeBytes / wordBytes;
    this.words.fill(0, end);
    for (let page = Math.floor(sizeBytes / 4096); page < this.#versions.length; page++) {
      const first = page * wordsPerPage;
      this.#versions[page] = this.#versions[page].map(({ words, by }) => ({
        words: words.map((word, at) => (first + at < end ? word : 0)),
        by,
      }));
    }
  }

  synced(versions: readonly number[]): void {
    for (const [page, version] of versions.entries()) this.#synced[page] = Math.max(this.#synced[page], version);
  }

  /**
   * Somebody who alone had stores to this page is gone, or may be: `disk` is what is there now, and what everybody is going to
   * see. It may be old, but not older than `answered`, the newest version for which anybody living answers, nor than what
   * was synced. Of a page that nobody answers for, a power failure may leave parts of several versions.
   *
   * @returns those whose stores are gone.
   */
  settle(page: number, disk: readonly number[], answered: number, mayBeTorn: boolean): Author[] {
    const versions = this.#versions[page];
    const first = Math.max(answered, this.#synced[page]);
    const is = versions.findLastIndex(({ words }) => words.every((word, at) => word === disk[at]));
    const parts = disk.map((word, at) => versions.findLastIndex(({ words }) => words[at] === word));
    const isTorn = mayBeTorn && this.#synced[page] >= answered && parts.every((part) => part >= first);
    const should = `${versions[first].words.join(" ")} or newer`;
    requireTrue(
      is >= first || isTorn,
      `nothing that was safe is lost: page ${page} is ${disk.join(" ")}, was ${should}`,
    );
    const lost = versions.slice(Math.max(is, 0) + 1).flatMap(({ by }) => by ?? []);
    if (is < versions.length - 1) {
      for (const [at, word] of disk.entries()) this.words[page * wordsPerPage + at] = word;
      this.#add(page, undefined);
    }
    return lost;
  }

  /** All that decides what `settle` is going to say, if nobody answers for less than these. */
  describe(page: number, answered: readonly number[]): string {
    const first = this.#synced[page];
    const versions = this.#versions[page]
      .slice(first)
      .map(({ words, by }) => `${words.join(" ")} ${by?.session ?? ""}`);
    return `${versions.join("|")} ${answered.map((version) => Math.max(0, version - first)).join(" ")}`;
  }

  #add(page: number, by: Author | undefined): void {
    const words = [...this.words.subarray(page * wordsPerPage, (page + 1) * wordsPerPage)];
    this.#versions[page].push({ words, by });
  }
}
