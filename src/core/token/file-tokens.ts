import { assert } from "../assert.js";
import { TokenRanges } from "../token-ranges.js";
import {
  type ByteOffset,
  type Epoch,
  firstPageChanged,
  type Micros,
  Mode,
  type PageIndex,
  pageEndAt,
  pageMax,
  type Policy,
} from "../units.js";
import { FreshGrants } from "./fresh-grants.js";
import { PinList } from "./pin-list.js";
import { Readahead } from "./readahead.js";
import type { TokenPort } from "./token-port.js";

/** A thread, or several, asleep in a fault. */
interface Want {
  readonly page: PageIndex;
  mode: Mode;
  readonly since: Micros;
  /** Its place among wants and revokes, in order of arrival. */
  readonly sequence: number;
  /** The home had to be asked. */
  waited: boolean;
  /** The home could not read the page: ask again from this time on. */
  retryAt: Micros;
}

interface Acquire {
  readonly request: number;
  readonly mode: Mode;
  readonly needStart: PageIndex;
  readonly needEnd: PageIndex;
}

/** Pages under way from the home. Good where the token has been held, without a break, since `epoch` (R9). */
interface Fetch {
  readonly request: number;
  start: PageIndex;
  readonly end: PageIndex;
  epoch: Epoch;
}

interface Revoke {
  readonly mode: Mode;
  readonly start: PageIndex;
  readonly end: PageIndex;
  readonly wantEnd: PageIndex;
  readonly sequence: number;
  /** Its write-back has begun: nothing there becomes writable any more. */
  flushing: boolean;
}

/** Pages of one fetch. */
const fetchPagesMax = 1024;
/** How far a revoke may be answered with more than was asked, if nothing there was ever touched here. */
const surplusPagesMax = 65_536;
const readRetryMicros = 1_000_000;

/**
 * One file's tokens on one node: what is held, wanted and asked back, and the one place that decides. Pure: it acts
 * through its port, knows no clock but the `now` of its inputs, and keeps to the rules R1–R3, R9, R10 and R12.
 *
 * Every input only changes state; then `#pump` does what is now legal: lets threads on whose token and page are here,
 * gives way to revokes that may be answered, asks the home for what is missing.
 */
export class FileTokens {
  readonly #port: TokenPort;
  readonly #policy: Policy;
  readonly #held = new TokenRanges();
  readonly #fresh = new FreshGrants();
  readonly #pins = new PinList();
  readonly #readahead = new Readahead();
  #wants: Want[] = [];
  #acquires: Acquire[] = [];
  #fetches: Fetch[] = [];
  #revokes: Revoke[] = [];
  #sizeBytes: ByteOffset;
  #epoch: Epoch = 0;
  #requestLast = 0;
  #sequenceLast = 0;
  #deadline: Micros = Number.POSITIVE_INFINITY;

  constructor(port: TokenPort, options: { policy: Policy; sizeBytes: ByteOffset }) {
    this.#port = port;
    this.#policy = options.policy;
    this.#sizeBytes = options.sizeBytes;
  }

  /** When `onTime` wants to be called; Infinity for never. */
  get deadline(): Micros {
    return this.#deadline;
  }

  get heldCount(): number {
    return this.#held.count;
  }

  /** Whether any thread sleeps or any call waits for the home. */
  get isWaiting(): boolean {
    return this.#wants.length > 0 || this.#pins.isWaiting;
  }

  modeAt(page: PageIndex): Mode {
    return this.#held.modeAt(page);
  }

  /** Whether pages may not be dropped from the cache: somebody has them on hold. */
  isPinned(start: PageIndex, end: PageIndex): boolean {
    return this.#pins.blocks(Mode.none, start, end, this.#held);
  }

  /** A thread touched a page that is not cached. */
  noPage(page: PageIndex, write: boolean, now: Micros): void {
    this.#want(page, write ? Mode.write : Mode.read, now);
    this.#pump(now);
  }

  /** A thread stored to a page that is cached but not writable. */
  wpPage(page: PageIndex, now: Micros): void {
    // The frequent case, without a record: the token is here, only the store was not expected.
    if (this.#held.modeAt(page) === Mode.write && !this.#isBarred(page, Mode.write) && this.#port.isCached(page)) {
      this.#port.resolve(page, true, false);
      return;
    }
    this.#want(page, Mode.write, now);
    this.#pump(now);
  }

  /** A page that had been fetched ahead was touched for the first time. */
  touched(page: PageIndex, now: Micros): void {
    const pageCount = this.#readahead.onTouch(page);
    if (pageCount > 0) this.#fetchAhead(this.#readahead.nextPage, pageCount);
    this.#pump(now);
  }

  /** How far freshly arrived pages may be mapped; the rest raises `touched`. */
  mapEnd(start: PageIndex, end: PageIndex): PageIndex {
    return this.#readahead.mapEnd(start, end);
  }

  /**
   * A token has come. `onData` is called next for the payload, once what `mayInstall` allows of it is cached; the pages
   * from `dataStart` to `windowEnd` come with it and behind it.
   */
  onGrant(
    request: number,
    mode: Mode,
    start: PageIndex,
    end: PageIndex,
    epoch: Epoch,
    dataStart: PageIndex,
    windowEnd: PageIndex,
  ): void {
    this.#acquires = this.#acquires.filter((acquire) => acquire.request !== request);
    this.#epoch = Math.max(this.#epoch, epoch);
    // What is under way for a range that was held all the time stays good, though its epoch rises.
    const good = this.#fetches.filter((fetch) => this.#held.newest(fetch.start, fetch.end) <= fetch.epoch);
    this.#held.raise(start, end, mode, epoch);
    for (const fetch of good) fetch.epoch = epoch;
    if (windowEnd > dataStart) this.#fetches.push({ request, start: dataStart, end: windowEnd, epoch });
  }

  /** R9: whether the bytes that answer this request are still those of the page, and not here already. */
  mayInstall(request: number, page: PageIndex): boolean {
    const fetch = this.#fetches.find((candidate) => candidate.request === request);
    return fetch !== undefined && this.#isComing(fetch, page) && !this.#port.isCached(page);
  }

  /** A page of [start, end) that a thread waits to store to, with the token for it held: install it writable. -1: none. */
  writableWant(start: PageIndex, end: PageIndex): PageIndex {
    for (const { page, mode } of this.#wants) {
      if (mode !== Mode.write || page < start || page >= end) continue;
      if (this.#held.modeAt(page) === Mode.write && !this.#isBarred(page, Mode.write)) return page;
    }
    return -1;
  }

  /** Pages up to `end` have come, and were put into the cache where that was allowed; `more` follow. */
  onData(request: number, end: PageIndex, more: boolean, now: Micros): void {
    const index = this.#fetches.findIndex((fetch) => fetch.request === request);
    if (index >= 0) {
      if (more) this.#fetches[index].start = Math.max(this.#fetches[index].start, end);
      else this.#fetches.splice(index, 1);
    }
    this.#pump(now);
  }

  /** The home could not read what was asked. Threads wait and the home is asked again after a second. */
  onFetchFailed(request: number, now: Micros): void {
    const fetch = this.#fetches.find((candidate) => candidate.request === request);
    this.#fetches = this.#fetches.filter((candidate) => candidate !== fetch);
    for (const want of this.#wants) {
      if (fetch && want.page >= fetch.start && want.page < fetch.end) want.retryAt = now + readRetryMicros;
    }
    this.#pump(now);
  }

  /** The home asks to keep no more than `mode`. `wantEnd` is how far the asker would go. */
  onRevoke(mode: Mode, start: PageIndex, end: PageIndex, epoch: Epoch, wantEnd: PageIndex, now: Micros): void {
    this.#epoch = Math.max(this.#epoch, epoch);
    this.#revokes.push({ mode, start, end, wantEnd, sequence: ++this.#sequenceLast, flushing: false });
    this.#pump(now);
  }

  /** The file has this size as of `epoch`; the page cache has been cut or extended to it already. */
  onResize(sizeBytes: ByteOffset, epoch: Epoch, now: Micros): void {
    const firstPage = firstPageChanged(this.#sizeBytes, sizeBytes);
    this.#sizeBytes = sizeBytes;
    this.#epoch = Math.max(this.#epoch, epoch);
    this.#held.stamp(firstPage, pageMax, epoch);
    // Threads that waited for a page that is now beyond the end, or was and is not, look again (R5).
    for (const want of this.#wants) if (want.page >= firstPage) this.#port.retry(want.page);
    this.#wants = this.#wants.filter((want) => want.page < firstPage);
    this.#pump(now);
  }

  /** The connection took what an earlier write-back had no room for. */
  onWriteBackRoom(now: Micros): void {
    this.#pump(now);
  }

  /** Asks for a token on the range, and its pages, until `unpin`; `port.pinned` tells when they are here. */
  pin(pin: number, mode: Mode, start: PageIndex, end: PageIndex, now: Micros): void {
    this.#pins.add({ pin, mode, start, end, hold: true });
    this.#pump(now);
  }

  /** As `pin`, a window at a time and without keeping others away; over when `port.pinned` is called. */
  prefetch(pin: number, mode: Mode, start: PageIndex, end: PageIndex, now: Micros): void {
    this.#pins.add({ pin, mode, start, end, hold: false });
    this.#pump(now);
  }

  unpin(pin: number, now: Micros): void {
    this.#pins.remove(pin);
    this.#pump(now);
  }

  /** The file is being closed here: no hold stands in the way any more. */
  unpinAll(now: Micros): void {
    this.#pins.clear();
    this.#pump(now);
  }

  /** Gives a range back unasked: its dirty pages are written back, then it is dropped. */
  giveBack(start: PageIndex, end: PageIndex, now: Micros): void {
    this.onRevoke(Mode.none, start, end, this.#epoch, end, now);
  }

  onTime(now: Micros): void {
    this.#pump(now);
  }

  /** The session is lost: nothing is held, nothing is under way. Threads go on waiting, and ask again at `onTime`. */
  reset(sizeBytes: ByteOffset): void {
    this.#held.clear();
    this.#acquires = [];
    this.#fetches = [];
    this.#revokes = [];
    this.#epoch = 0;
    this.#sizeBytes = sizeBytes;
    this.#pins.restart();
    for (const want of this.#wants) want.retryAt = 0;
  }

  /** One line: held, wanted, asked. For people who look at a stuck node. */
  describe(): string {
    const held: string[] = [];
    for (let index = 0; index < this.#held.count; index++) {
      const name = this.#held.mode(index) === Mode.write ? "write" : "read";
      held.push(`${name} ${this.#held.start(index)}..${this.#held.end(index)} @${this.#held.epoch(index)}`);
    }
    const wants = this.#wants.map((want) => `${want.mode === Mode.write ? "write" : "read"} ${want.page}`);
    const asked = this.#revokes.map((revoke) => `${revoke.start}..${revoke.end} to ${revoke.mode}`);
    return `held ${held.join(", ") || "none"}; wanted ${wants.join(", ") || "none"}; asked ${asked.join(", ") || "none"}`;
  }

  #want(page: PageIndex, mode: Mode, since: Micros): void {
    const known = this.#wants.find((want) => want.page === page);
    if (known !== undefined) known.mode = Math.max(known.mode, mode) as Mode;
    else this.#wants.push({ page, mode, since, sequence: ++this.#sequenceLast, waited: false, retryAt: 0 });
  }

  #pump(now: Micros): void {
    this.#deadline = Number.POSITIVE_INFINITY;
    this.#serveWants(now);
    this.#servePins();
    // Giving way may take from under a thread what it waits for: then it asks anew, behind the others.
    if (this.#revokes.length > 0 && this.#serveRevokes(now)) {
      this.#serveWants(now);
      this.#servePins();
    }
  }

  #serveWants(now: Micros): void {
    const wants = this.#wants;
    let kept = 0;
    for (let index = 0; index < wants.length; index++) {
      const want = wants[index];
      if (!this.#serveWant(want, now)) wants[kept++] = want;
    }
    wants.length = kept;
  }

  /** @returns whether the threads that wait on the page run again. */
  #serveWant(want: Want, now: Micros): boolean {
    const { page, mode } = want;
    if (this.#held.modeAt(page) < mode) {
      this.#acquireFor(want);
      return false;
    }
    if (this.#isBarred(page, mode)) return false;
    if (!this.#port.isCached(page)) {
      this.#fetchFor(want, now);
      return false;
    }
    this.#port.resolve(page, mode === Mode.write, want.waited);
    if (want.waited) this.#fresh.add(page, mode, want.sequence, want.since, now);
    return true;
  }

  #acquireFor(want: Want): void {
    const { page, mode } = want;
    want.waited = true;
    if (this.#isAcquiring(page, page + 1, mode)) return;
    const needsData = !this.#port.isCached(page) || this.#held.modeAt(page) === Mode.none;
    const windowEnd = needsData ? this.#clip(page + this.#readahead.onFault(page)) : page + 1;
    // A stream that goes on asks for tokens as far ahead as for data; a lone fault takes one page from the others.
    this.#acquire(mode, page, Math.max(windowEnd, page + 1), windowEnd, needsData);
  }

  #acquire(mode: Mode, needStart: PageIndex, needEnd: PageIndex, windowEnd: PageIndex, needsData: boolean): void {
    const request = ++this.#requestLast;
    const asked = this.#policy === "simple" ? Mode.write : mode;
    this.#acquires.push({ request, mode: asked, needStart, needEnd });
    this.#port.acquire(request, asked, needStart, needEnd, 0, pageMax, windowEnd, needsData);
  }

  #fetchFor(want: Want, now: Micros): void {
    const { page } = want;
    if (this.#isFetching(page)) return;
    if (want.retryAt > now) {
      this.#wakeAt(want.retryAt);
      return;
    }
    want.waited = true;
    this.#fetchAhead(page, this.#readahead.onFault(page));
  }

  /** Fetches what is neither cached nor under way, as far as one token reaches. */
  #fetchAhead(page: PageIndex, pageCount: number): void {
    const epoch = this.#held.epochAt(page);
    if (epoch === 0) return;
    const segment = this.#held.firstEndingAfter(page);
    const limit = Math.min(this.#clip(page + Math.min(pageCount, fetchPagesMax)), this.#held.end(segment));
    const start = this.#port.nextUncached(page, limit);
    const end = this.#port.nextCached(start, limit);
    if (start >= end || this.#isFetching(start)) return;
    const request = ++this.#requestLast;
    this.#fetches.push({ request, start, end, epoch });
    this.#port.fetch(request, start, end, epoch);
  }

  #servePins(): void {
    for (let pin = this.#pins.firstWaiting(); pin !== undefined; pin = this.#pins.nextWaiting(pin)) {
      // A hold takes its token in one piece, so that two of them never wait for each other half-way.
      const tokenEnd = pin.hold ? pin.end : Math.min(pin.end, pin.reached + fetchPagesMax);
      const tokenStart = pin.hold ? pin.start : pin.reached;
      if (tokenStart < tokenEnd && this.#held.weakest(tokenStart, tokenEnd) < pin.mode) {
        if (!this.#isAcquiring(tokenStart, tokenEnd, pin.mode)) {
          const windowEnd = this.#clip(Math.min(tokenEnd, tokenStart + fetchPagesMax));
          const isCached = this.#port.nextUncached(tokenStart, windowEnd) >= windowEnd;
          this.#acquire(pin.mode, tokenStart, tokenEnd, windowEnd, !isCached);
        }
        continue;
      }
      pin.reached = this.#port.nextUncached(pin.reached, this.#clip(pin.end));
      if (pin.reached < this.#clip(pin.end)) {
        if (!this.#isFetching(pin.reached)) this.#fetchAhead(pin.reached, pin.end - pin.reached);
        continue;
      }
      this.#pins.satisfy(pin);
      this.#port.pinned(pin.pin);
    }
  }

  /** @returns whether any was answered. */
  #serveRevokes(now: Micros): boolean {
    const before = this.#revokes.length;
    this.#revokes = this.#revokes.filter((revoke) => !this.#serveRevoke(revoke, now));
    return this.#revokes.length < before;
  }

  #serveRevoke(revoke: Revoke, now: Micros): boolean {
    const { mode, start } = revoke;
    if (!revoke.flushing && this.#mustKeep(revoke, now)) return false;
    const end = revoke.flushing ? revoke.end : this.#surplusEnd(revoke);
    if (this.#held.strongest(start, end) === Mode.write && !this.#port.writeBack(start, end)) {
      revoke.flushing = true;
      return false;
    }
    if (mode === Mode.none) this.#port.evict(start, end);
    this.#held.restrict(start, end, mode, this.#epoch);
    assert(this.#held.strongest(start, end) <= mode, "no token is newer than the newest epoch heard of");
    // Grants that are still under way have a newer epoch, and stand.
    this.#port.release(mode, start, end, this.#epoch);
    return true;
  }

  /**
   * R10: a hold, a thread that was let on and has not run, or one whose page is on its way. Only those who were here
   * before the revoke count: else a busy program could keep a waiter out for ever.
   */
  #mustKeep(revoke: Revoke, now: Micros): boolean {
    const { mode, start, end, sequence } = revoke;
    if (this.#pins.blocks(mode, start, end, this.#held)) return true;
    const keepUntil = this.#fresh.keepUntil(mode, start, end, sequence, now, this.#port);
    if (keepUntil > now) {
      this.#wakeAt(keepUntil);
      return true;
    }
    return this.#wants.some((want) => {
      const concerned = want.page >= start && want.page < end && want.mode > mode && want.sequence < sequence;
      return concerned && this.#held.modeAt(want.page) >= want.mode && this.#isFetching(want.page);
    });
  }

  /** The end of what to give: beyond what was asked lies what this node never touched and the asker could use. */
  #surplusEnd(revoke: Revoke): PageIndex {
    const { end, wantEnd } = revoke;
    const segment = this.#held.firstEndingAfter(end);
    if (segment === this.#held.count || this.#held.start(segment) > end) return end;
    let limit = Math.min(wantEnd, this.#held.end(segment), end + surplusPagesMax);
    for (const { page } of this.#wants) if (page >= end && page < limit) limit = page;
    for (const fetch of this.#fetches) if (fetch.end > end && fetch.start < limit) limit = Math.max(end, fetch.start);
    limit = this.#pins.firstTouched(end, limit);
    return this.#port.nextCached(end, limit);
  }

  #isBarred(page: PageIndex, mode: Mode): boolean {
    for (const revoke of this.#revokes) {
      if (revoke.flushing && mode > revoke.mode && page >= revoke.start && page < revoke.end) return true;
    }
    return false;
  }

  #isAcquiring(start: PageIndex, end: PageIndex, mode: Mode): boolean {
    for (const acquire of this.#acquires) {
      if (acquire.mode >= mode && acquire.needStart <= start && acquire.needEnd >= end) return true;
    }
    return false;
  }

  #isFetching(page: PageIndex): boolean {
    for (const fetch of this.#fetches) {
      if (this.#isComing(fetch, page)) return true;
    }
    return false;
  }

  #isComing(fetch: Fetch, page: PageIndex): boolean {
    if (page < fetch.start || page >= fetch.end) return false;
    const epoch = this.#held.epochAt(page);
    return epoch !== 0 && epoch <= fetch.epoch;
  }

  /** Pages end at the end of the file. */
  #clip(page: PageIndex): PageIndex {
    return Math.min(page, pageEndAt(this.#sizeBytes));
  }

  #wakeAt(time: Micros): void {
    if (time < this.#deadline) this.#deadline = time;
  }
}
