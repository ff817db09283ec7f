import type { RetentionPort } from "../src/core/token/retention.js";
import type { PageIndex } from "../src/core/units.js";
import { wordBytes } from "./sim-file.js";
import type { SimNode } from "./sim-node.js";

/** Joins the shipped retention with a simulated node's page cache, attic and connection. */
export class SimRetentionPort implements RetentionPort {
  readonly #node: SimNode;

  constructor(node: SimNode) {
    this.#node = node;
  }

  isCached(page: PageIndex): boolean {
    return this.#node.pages.isCached(page);
  }

  nextDirty(page: PageIndex, end: PageIndex): PageIndex {
    return this.#node.cache.nextDirty(page, end);
  }

  nextClean(page: PageIndex, end: PageIndex): PageIndex {
    return this.#node.cache.nextClean(page, end);
  }

  markDirty(start: PageIndex, end: PageIndex): void {
    this.#node.cache.dirty.fill(1, start, end);
  }

  /** What is lost is dropped as it is. */
  evict(start: PageIndex, end: PageIndex): void {
    const { cache } = this.#node;
    cache.dirty.fill(0, start, Math.min(end, cache.pagesMax));
    cache.evict(start, end);
  }

  keep(page: PageIndex): number {
    return this.#node.attic.keep(this.#node.pages.wordsOf(page));
  }

  free(slot: number): void {
    this.#node.attic.free(slot);
  }

  cut(slot: number, keepBytes: number): void {
    this.#node.attic.cut(slot, keepBytes / wordBytes);
  }

  nextDuty(): number {
    return this.#node.attic.duties.next();
  }

  seenDuty(): number {
    return this.#node.attic.duties.seen();
  }

  get takenDuty(): number {
    return this.#node.link.takenDuty;
  }

  hasRoom(): boolean {
    return this.#node.room > 0;
  }

  onRoom(goOn: () => void): void {
    this.#node.whenRoom(goOn);
  }

  restore(page: PageIndex, version: number, duty: number, slot: number): void {
    const { room, attic } = this.#node;
    this.#node.room = room - 1;
    const words = slot < 0 ? this.#node.pages.wordsOf(page) : attic.read(slot);
    this.#node.sendUp({ type: "restore", page, version, duty, words });
  }
}
