import { TokenRanges } from "../token-ranges.js";
import { type Epoch, Mode, type PageIndex } from "../units.js";

/** Where the bytes of pages that have left the cache are kept. */
export interface Attic {
  /** Keeps a copy of a cached page. @returns where. */
  keep(page: PageIndex): number;
  free(slot: number): void;
  /** As of `DutyNumbers`: for as long as the session lasts, over the closing and opening of files. */
  nextDuty(): number;
  seenDuty(): number;
}

/** One page for which this node answers. `slot` -1: it is in the cache. */
export interface RetainedPage {
  readonly page: PageIndex;
  readonly version: Epoch;
  readonly duty: number;
  readonly slot: number;
  /** Has stores of this node in it, not only those of others that it has seen. */
  readonly isOwn: boolean;
}

/** What became this node's duty between two syncs. */
interface Generation {
  /** Pages in the cache: `write` with own stores; `read`, received. In the place of the epoch, the number of the duty. */
  readonly cached: TokenRanges;
  /** Pages that have left the cache. */
  readonly kept: Map<PageIndex, RetainedPage>;
}

/**
 * R20: the pages for which this node answers until the home has them on stable storage: the newest that it has had of each
 * page, be it that it wrote it, or that it has seen it. A page in the cache is its own copy; one that leaves the cache leaves
 * a copy in the attic. So whatever dies together with the home, time does not run backwards for this node:
 *
 * 1. A stores to a page, B reads it, and its page goes out of B's cache. 2. A and the home lose their power, before a sync.
 * 3. B reads the page again: what it has seen must be there, and only B has it.
 *
 * A sync that succeeds ends the duty for what had come before it was asked. Duties have numbers; the home puts on record which
 * of them are stable, so that after a power failure an old version is never restored over a newer one that is stable. Among
 * versions that are not, the epoch decides: epochs rise with every grant, and a page does not change under a token, so the
 * one that was held under the higher epoch is the newer, or they are the same.
 */
export class RetainedPages {
  readonly #attic: Attic;
  /** Oldest first; the last is open, the others wait for their sync. No page is in two of them. */
  readonly #generations: Generation[] = [emptyGeneration()];
  #firstNumber = 0;

  constructor(attic: Attic) {
    this.#attic = attic;
  }

  get isEmpty(): boolean {
    for (const { cached, kept } of this.#generations) if (cached.count > 0 || kept.size > 0) return false;
    return true;
  }

  get keptPages(): number {
    return this.#generations.reduce((count, { kept }) => count + kept.size, 0);
  }

  /** These cached pages are being handed to the home. @returns the number of this duty. */
  wrote(start: PageIndex, end: PageIndex): number {
    return this.#answerFor(start, end, Mode.write, this.#attic.nextDuty());
  }

  /** These pages have come from the home, which has not put them on stable storage yet. Own stores from before are in them. */
  received(start: PageIndex, end: PageIndex): void {
    const own = this.isEmpty ? undefined : this.#ownIn(start, end);
    const duty = this.#answerFor(start, end, Mode.read, this.#attic.seenDuty());
    own?.each((mode, from, to) => this.#open.cached.set(from, to, mode, duty));
  }

  /** Pages are about to leave the cache, clean; the newest epoch heard of is their version. */
  leaving(start: PageIndex, end: PageIndex, version: Epoch): void {
    for (const { cached, kept } of this.#generations) {
      for (let index = cached.firstEndingAfter(start); index < cached.count && cached.start(index) < end; index++) {
        const stop = Math.min(cached.end(index), end);
        const duty = cached.epoch(index);
        const isOwn = cached.mode(index) === Mode.write;
        for (let page = Math.max(cached.start(index), start); page < stop; page++) {
          kept.set(page, { page, version, duty, slot: this.#attic.keep(page), isOwn });
        }
      }
      cached.set(start, end, Mode.none, 0);
    }
  }

  /** A newer version has taken the place of these pages, or they lie beyond the end of file. */
  forget(start: PageIndex, end: PageIndex): void {
    for (const { cached, kept } of this.#generations) {
      cached.set(start, end, Mode.none, 0);
      if (kept.size === 0) continue;
      if (end - start === 1) this.#free(kept, start);
      else for (const { page } of keptIn(kept, start, end)) this.#free(kept, page);
    }
  }

  /** A sync is about to be asked. @returns its number, for `synced`. */
  beginSync(): number {
    this.#generations.push(emptyGeneration());
    return this.#firstNumber + this.#generations.length - 2;
  }

  /** The home has this sync's pages, and all before it, on stable storage. */
  synced(number: number): void {
    while (this.#firstNumber <= number && this.#generations.length > 1) {
      const oldest = this.#generations.shift();
      for (const { slot } of oldest?.kept.values() ?? []) this.#attic.free(slot);
      this.#firstNumber++;
    }
  }

  /** Everything that is to be sent again. `held` is the version of what is still in the cache. */
  each(held: Epoch, act: (retained: RetainedPage) => void): void {
    for (const { cached, kept } of this.#generations) {
      for (const page of kept.values()) act(page);
      for (let index = 0; index < cached.count; index++) {
        const [duty, isOwn] = [cached.epoch(index), cached.mode(index) === Mode.write];
        for (let page = cached.start(index); page < cached.end(index); page++) {
          act({ page, version: held, duty, slot: -1, isOwn });
        }
      }
    }
  }

  /** For people: what is kept, and for which duty, by the sync that ends it. `bytes` tells what is in a slot of the attic. */
  describe(bytes: (slot: number) => string): string {
    const line = this.#generations.map(({ cached, kept }) => {
      const pages: string[] = [];
      for (const { page, version, duty, slot, isOwn } of kept.values()) {
        pages.push(`${page} @${version} !${duty}${isOwn ? "" : " seen"} = ${bytes(slot)}`);
      }
      cached.each((mode, start, end, duty) => {
        pages.push(`${start}..${end} !${duty}${mode === Mode.write ? "" : " seen"}`);
      });
      return pages.join(", ");
    });
    return line.join(" | ");
  }

  /** Where the attic has a copy of this page; -1 when it has none. */
  slotOf(page: PageIndex): number {
    for (const { kept } of this.#generations) {
      const found = kept.get(page);
      if (found !== undefined) return found.slot;
    }
    return -1;
  }

  /** The session is lost, and with it the right to send anything of it. */
  clear(): void {
    this.forget(0, Number.POSITIVE_INFINITY);
    this.synced(Number.POSITIVE_INFINITY);
  }

  get #open(): Generation {
    return this.#generations[this.#generations.length - 1];
  }

  /** What it answered for of these pages before is older. */
  #answerFor(start: PageIndex, end: PageIndex, mode: Mode, duty: number): number {
    this.forget(start, end);
    this.#open.cached.set(start, end, mode, duty);
    return duty;
  }

  #ownIn(start: PageIndex, end: PageIndex): TokenRanges {
    const own = new TokenRanges();
    for (const { cached, kept } of this.#generations) {
      for (const { page, isOwn } of keptIn(kept, start, end)) if (isOwn) own.set(page, page + 1, Mode.write, 0);
      for (let index = cached.firstEndingAfter(start); index < cached.count && cached.start(index) < end; index++) {
        if (cached.mode(index) !== Mode.write) continue;
        own.set(Math.max(cached.start(index), start), Math.min(cached.end(index), end), Mode.write, 0);
      }
    }
    return own;
  }

  #free(kept: Generation["kept"], page: PageIndex): void {
    const found = kept.get(page);
    if (found === undefined) return;
    this.#attic.free(found.slot);
    kept.delete(page);
  }
}

/** Looks at the fewer of both: the pages of the range, or the pages that are kept. */
function* keptIn(kept: Generation["kept"], start: PageIndex, end: PageIndex): Generator<RetainedPage> {
  if (kept.size < end - start) {
    for (const retained of kept.values()) if (retained.page >= start && retained.page < end) yield retained;
    return;
  }
  for (let page = start; page < end; page++) {
    const retained = kept.get(page);
    if (retained !== undefined) yield retained;
  }
}

function emptyGeneration(): Generation {
  return { cached: new TokenRanges(), kept: new Map() };
}
