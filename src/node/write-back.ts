import type { DmmapError } from "../core/error.js";
import type { Retention } from "../core/token/retention.js";
import { type PageIndex, pageBytes, pageEndAt } from "../core/units.js";
import { dataPagesMax } from "../core/wire/frame.js";
import type { PageCache } from "../mapping/page-cache.js";
import type { FileFrames } from "./file-frames.js";
import { isDown } from "./home-requests.js";
import type { NodeMetrics } from "./metrics.js";

/** So much may wait for the socket, and what nobody waits for is queued behind it. */
const aheadBytesMax = 2 * 1024 * 1024;

/** Sends one file's dirty pages to the home, as the connection has room, and asks for them to be made durable. */
export class WriteBack {
  readonly #cache: PageCache;
  readonly #frames: FileFrames;
  readonly #retention: Retention;
  readonly #metrics: NodeMetrics;
  readonly #mayWrite: (page: PageIndex) => boolean;
  /** Each called once when there is room again. */
  readonly #roomWaiters: (() => void)[] = [];
  /** Syncs that nobody has been answered for. */
  readonly #syncs = new Set<(error: DmmapError | undefined) => void>();

  /** `mayWrite`: whether the write token for a page is held here. */
  constructor(
    cache: PageCache,
    frames: FileFrames,
    retention: Retention,
    metrics: NodeMetrics,
    mayWrite: (page: PageIndex) => boolean,
  ) {
    this.#mayWrite = mayWrite;
    this.#cache = cache;
    this.#frames = frames;
    this.#retention = retention;
    this.#metrics = metrics;
  }

  /** Whether a sync is due: something is dirty, or not known to be stable. */
  get isUnstable(): boolean {
    return this.#cache.dirtyPages > 0 || !this.#retention.isEmpty;
  }

  /**
   * Write-protects [start, end) and sends what is dirty in it. R2, R3: no store gets in between the copy that is sent and
   * the protection. @returns false when there was no room for all.
   */
  send(start: PageIndex, end: PageIndex): boolean {
    const cache = this.#cache;
    if (!this.#frames.isReady) return false;
    const fileEnd = Math.min(end, pageEndAt(cache.sizeBytes));
    for (let page = cache.nextDirty(start, fileEnd); page < fileEnd; page = cache.nextDirty(page, fileEnd)) {
      const runEnd = Math.min(cache.nextClean(page, fileEnd), page + dataPagesMax);
      if (!this.#frames.hasRoom((runEnd - page) * pageBytes)) return false;
      cache.protect(page, runEnd);
      this.#sendRun(page, runEnd);
      cache.markClean(page, runEnd);
      page = runEnd;
    }
    cache.protect(start, end);
    return true;
  }

  /** Sends what is dirty of the range, which nobody waits for. @returns false when there is something else to send first. */
  sendAhead(start: PageIndex, end: PageIndex): boolean {
    return this.#frames.pendingBytes < aheadBytesMax && this.send(start, end);
  }

  /** Sends every page that is dirty now; `onSent` is called when the last has been queued. */
  flush(onSent: () => void, from: PageIndex = 0): void {
    const end = pageEndAt(this.#cache.sizeBytes);
    if (this.#cache.nextDirty(from, end) >= end || this.send(from, end)) return onSent();
    // Pages before the first that is still dirty have been sent: what is stored to them from now on is another sync's.
    const next = this.#cache.nextDirty(from, end);
    this.whenRoom(() => this.flush(onSent, next));
  }

  /** Sends what is dirty, ahead of all that is sent later. */
  sendDirty(onSent: () => void): void {
    if (this.#cache.dirtyPages > 0) this.flush(onSent);
    else onSent();
  }

  /** Everything dirty onto the home's stable storage. `isUrgent`: somebody waits for it. */
  sync(onDone: (error: DmmapError | undefined) => void, isUrgent = false): void {
    this.#syncs.add(onDone);
    this.flush(() => this.#settle(onDone, isUrgent));
  }

  /** What has been handed over and seen so far, but not what is dirty. */
  settle(onDone: (error: DmmapError | undefined) => void): void {
    this.#syncs.add(onDone);
    this.#settle(onDone, false);
  }

  #settle(onDone: (error: DmmapError | undefined) => void, isUrgent: boolean): void {
    if (!this.#syncs.has(onDone)) return; // It has failed meanwhile.
    // The home would not know what is asked, and whatever is held has to be claimed, or restored, before.
    if (!this.#frames.isReady) return this.whenRoom(() => this.#settle(onDone, isUrgent));
    const sync = this.#retention.beginSync();
    this.#frames.sync(isUrgent, (_reply, error) => {
      if (error === undefined) this.#retention.synced(sync);
      else if (!isDown(error)) this.#retention.sendAgain(this.#mayWrite);
      this.#answer(onDone, error);
    });
  }

  /** Whoever waits for a sync hears why there will be none for now. */
  failSyncs(error: DmmapError): void {
    for (const onDone of [...this.#syncs]) this.#answer(onDone, error);
  }

  #answer(onDone: (error: DmmapError | undefined) => void, error: DmmapError | undefined): void {
    if (this.#syncs.delete(onDone)) onDone(error); // Else it has failed before.
  }

  whenRoom(goOn: () => void): void {
    this.#roomWaiters.push(goOn);
  }

  onRoom(): void {
    for (const goOn of this.#roomWaiters.splice(0)) goOn();
  }

  #sendRun(start: PageIndex, end: PageIndex): void {
    this.#metrics.writePages += end - start;
    const byteLength = (end - start) * pageBytes;
    const address = this.#frames.write(start, end, this.#retention.wrote(start, end), byteLength);
    this.#cache.readBytes(start, address, byteLength);
  }
}
