import type { RetentionPort } from "../core/token/retention.js";
import { type Epoch, type PageIndex, pageBytes } from "../core/units.js";
import type { PageCache } from "../mapping/page-cache.js";
import type { FileFrames } from "./file-frames.js";
import type { PageAttic } from "./page-attic.js";

/** Joins one file's retention with the page cache, the attic, and the connection. */
export class NodeRetentionPort implements RetentionPort {
  readonly #cache: PageCache;
  readonly #attic: PageAttic;
  readonly #frames: FileFrames;
  readonly #whenRoom: (goOn: () => void) => void;

  constructor(cache: PageCache, attic: PageAttic, frames: FileFrames, whenRoom: (goOn: () => void) => void) {
    this.#cache = cache;
    this.#attic = attic;
    this.#frames = frames;
    this.#whenRoom = whenRoom;
  }

  isCached(page: PageIndex): boolean {
    return this.#cache.isCached(page);
  }

  nextDirty(page: PageIndex, end: PageIndex): PageIndex {
    return this.#cache.nextDirty(page, end);
  }

  nextClean(page: PageIndex, end: PageIndex): PageIndex {
    return this.#cache.nextClean(page, end);
  }

  markDirty(start: PageIndex, end: PageIndex): void {
    this.#cache.markDirty(start, end);
  }

  evict(start: PageIndex, end: PageIndex): void {
    this.#cache.evict(start, end);
  }

  keep(page: PageIndex): number {
    const slot = this.#attic.take();
    this.#cache.readBytes(page, this.#attic.addressOf(slot), pageBytes);
    return slot;
  }

  free(slot: number): void {
    this.#attic.free(slot);
  }

  cut(slot: number, keepBytes: number): void {
    this.#attic.cut(slot, keepBytes);
  }

  nextDuty(): number {
    return this.#attic.duties.next();
  }

  seenDuty(): number {
    return this.#attic.duties.seen();
  }

  get takenDuty(): number {
    return this.#frames.takenDuty;
  }

  hasRoom(): boolean {
    return this.#frames.hasRoom(pageBytes);
  }

  onRoom(goOn: () => void): void {
    this.#whenRoom(goOn);
  }

  restore(page: PageIndex, version: Epoch, duty: number, slot: number): void {
    const address = this.#frames.restore(page, version, duty, pageBytes);
    if (slot < 0) this.#cache.readBytes(page, address, pageBytes);
    else this.#attic.read(slot, address);
  }
}
