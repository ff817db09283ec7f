import type { FileTokens } from "../core/token/file-tokens.js";
import type { Retention } from "../core/token/retention.js";
import { type PageIndex, pageBytes } from "../core/units.js";
import { dataPagesMax, type Frame, FrameFlag } from "../core/wire/frame.js";
import { NativeBuffer } from "../kernel/native-buffer.js";
import type { PageCache } from "../mapping/page-cache.js";
import type { FaultClock } from "./fault-clock.js";

/** Takes page payloads into one file's cache: received in place where that is possible, and only what is still good (R9). */
export class PageReceiver {
  readonly #cache: PageCache;
  readonly #tokens: FileTokens;
  readonly #clock: FaultClock;
  readonly #retention: Retention;
  /** Where the payload that is being received goes, when not straight into the memfd. */
  #aside = 0;
  /** The pages that are being received in place, and whether some of them have been evicted since that began. */
  #arrivingStart: PageIndex = 0;
  #arrivingEnd: PageIndex = 0;
  #isSpoiled = false;

  constructor(cache: PageCache, tokens: FileTokens, clock: FaultClock, retention: Retention) {
    this.#cache = cache;
    this.#tokens = tokens;
    this.#clock = clock;
    this.#retention = retention;
  }

  /** Where to receive a payload of pages: in the cache itself, unless a page of it is cached already. */
  payloadAddress({ dataStart, dataEnd }: Frame, isReady: boolean): number {
    const isNew = this.#cache.nextCached(dataStart, dataEnd) === dataEnd;
    const inPlace = isReady && isNew && dataEnd <= this.#cache.contiguousEnd(dataStart);
    this.#aside = inPlace ? 0 : payloadBuffer().address;
    this.#arrivingStart = dataStart;
    this.#arrivingEnd = inPlace ? dataEnd : dataStart;
    this.#isSpoiled = false;
    return inPlace ? this.#cache.receiveAddress(dataStart, dataEnd - dataStart) : this.#aside;
  }

  /**
   * Pages are taken out of the cache. 1. A revoke waits for a hold. 2. Half of a newer grant's pages are received in place.
   * 3. The hold ends, the revoke is answered, and its range evicted, those pages with it. 4. The other half comes, and the
   * grant stands: with holes. So what was there by 3 is asked for again.
   */
  onEvict(start: PageIndex, end: PageIndex): void {
    if (this.isArriving(start, end)) this.#isSpoiled = true;
  }

  /** Whether pages of the range are being received in place. */
  isArriving(start: PageIndex, end: PageIndex): boolean {
    return start < this.#arrivingEnd && end > this.#arrivingStart;
  }

  /** Puts into the cache what of the payload is still good; its bytes have been received, or are all zero. */
  install(frame: Frame): void {
    const { request, dataStart, dataEnd, flags } = frame;
    this.#arrivingEnd = this.#arrivingStart;
    if (this.#isSpoiled) {
      this.#isSpoiled = false;
      return this.#discard(dataStart, dataEnd);
    }
    for (let page = dataStart; page < dataEnd; ) {
      const good = this.#tokens.mayInstall(request, page);
      let runEnd = page + 1;
      while (runEnd < dataEnd && this.#tokens.mayInstall(request, runEnd) === good) runEnd++;
      if (good) this.#installRun(frame, page, runEnd);
      else if ((flags & FrameFlag.zero) === 0 && this.#aside === 0) this.#discard(page, runEnd);
      page = runEnd;
    }
  }

  #installRun({ dataStart, flags }: Frame, start: PageIndex, end: PageIndex): void {
    const zero = (flags & FrameFlag.zero) !== 0;
    if (!zero && this.#aside !== 0) {
      this.#cache.writeBytes(start, this.#aside + (start - dataStart) * pageBytes, (end - start) * pageBytes);
    }
    const mapEnd = this.#tokens.mapEnd(start, end);
    const writePage = this.#tokens.writableWant(start, end);
    this.#clock.letOnWaiting(start, end, this.#cache);
    if (zero) this.#cache.installZeros(start, end, mapEnd, writePage);
    else this.#cache.install(start, end, mapEnd, writePage);
    this.#retention.received(start, end, (flags & FrameFlag.unstable) !== 0);
  }

  /** Bytes that came too late are dropped from the memfd too, where they were received. */
  #discard(start: PageIndex, end: PageIndex): void {
    for (let page = this.#cache.nextUncached(start, end); page < end; page = this.#cache.nextUncached(page + 1, end)) {
      this.#cache.evict(page, page + 1);
    }
  }
}

/** For payloads that cannot be received in place; one at a time, since one connection carries them all. */
let aside: NativeBuffer | undefined;
export function payloadBuffer(): NativeBuffer {
  aside ??= new NativeBuffer(dataPagesMax * pageBytes);
  return aside;
}
