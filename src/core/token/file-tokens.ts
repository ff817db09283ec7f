import { assert } from "../assert.js";
import { TokenRanges } from "../token-ranges.js";
import {
  type ByteOffset,
  type Epoch,
  firstPageChanged,
  type Micros,
  Mode,
  type PageIndex,
  type Policy,
  pageEndAt,
  pageMax,
} from "../units.js";
import { FreshGrants } from "./fresh-grants.js";
import { PinList } from "./pin-list.js";
import { PinServer } from "./pin-server.js";
import { Readahead } from "./readahead.js";
import { Requests } from "./requests.js";
import { type Revoke, RevokeList } from "./revoke-list.js";
import { surplusLimit } from "./surplus.js";
import type { TokenPort } from "./token-port.js";
import { type Want, WantList } from "./want-list.js";

const retryMicros = 1_000_000;

/**
 * One file's tokens on one node: what is held, wanted and asked back, and the one place that decides. Pure: it acts
 * through its port, knows no clock but the `now` of its inputs, and keeps to the rules R1–R3, R9, R10 and R12.
 *
 * Every input only changes state; then `#pump` does what is now legal: lets threads on whose token and page are here,
 * gives way to revokes that may be answered, asks the home for what is missing.
 */
export class FileTokens {
  readonly #port: TokenPort;
  readonly #requests: Requests;
  readonly #pinServer: PinServer;
  readonly #held = new TokenRanges();
  readonly #fresh = new FreshGrants();
  readonly #pins = new PinList();
  readonly #readahead = new Readahead();
  readonly #wants = new WantList();
  readonly #revokes = new RevokeList();
  #sizeBytes: ByteOffset;
  #epoch: Epoch = 0;
  #sequenceLast = 0;
  #deadline: Micros = Number.POSITIVE_INFINITY;

  constructor(port: TokenPort, options: { policy: Policy; sizeBytes: ByteOffset }) {
    this.#port = port;
    this.#requests = new Requests(port, this.#held, options.policy);
    this.#pinServer = new PinServer(port, this.#pins, this.#held, this.#requests, this.#revokes);
    this.#sizeBytes = options.sizeBytes;
  }

  /** When `onTime` wants to be called; Infinity for never. */
  get deadline(): Micros {
    return this.#deadline;
  }

  get heldCount(): number {
    return this.#held.count;
  }

  /** The newest epoch heard of. */
  get epoch(): Epoch {
    return this.#epoch;
  }

  /** Whether any thread sleeps or any call waits for the home. */
  get isWaiting(): boolean {
    return this.#wants.count > 0 || this.#pins.isWaiting;
  }

  get isAsked(): boolean {
    return this.#revokes.count > 0;
  }

  modeAt(page: PageIndex): Mode {
    return this.#held.modeAt(page);
  }

  /** Whether the range may be used at once, without a pin: the token is held, and is not being given up. */
  allows(mode: Mode, start: PageIndex, end: PageIndex): boolean {
    return this.#held.weakest(start, end) >= mode && !this.#revokes.bars(start, mode, end);
  }

  /** Whether pages may not be dropped from the cache: somebody has them on hold. */
  isPinned(start: PageIndex, end: PageIndex): boolean {
    return this.#pins.blocks(Mode.none, start, end, this.#held, Number.POSITIVE_INFINITY);
  }

  /** A thread touched a page that is not cached. */
  noPage(page: PageIndex, write: boolean, now: Micros): void {
    this.#wants.add(page, write ? Mode.write : Mode.read, now, ++this.#sequenceLast);
    this.#pump(now);
  }

  /** A thread stored to a page that is cached but not writable. */
  wpPage(page: PageIndex, now: Micros): void {
    // The frequent case, without a record: the token is here, only the store was not expected.
    if (this.#held.modeAt(page) === Mode.write && !this.#revokes.bars(page, Mode.write) && this.#port.isCached(page)) {
      this.#port.resolve(page, true, false);
      return;
    }
    this.#wants.add(page, Mode.write, now, ++this.#sequenceLast);
    this.#pump(now);
  }

  /** A page that had been fetched ahead was touched for the first time. */
  touched(page: PageIndex, now: Micros): void {
    const pageCount = this.#readahead.onTouch(page);
    const { nextPage } = this.#readahead;
    if (pageCount > 0) this.#requests.fetch(nextPage, this.#clip(nextPage + pageCount));
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
    const overtaken = this.#requests.acquires.granted(request);
    this.#epoch = Math.max(this.#epoch, epoch);
    this.#requests.fetches.renew(this.#held, epoch, () => this.#held.raise(start, end, mode, epoch));
    this.#requests.fetches.add(request, dataStart, windowEnd, epoch);
    for (const range of overtaken) this.#requests.fetches.drop(range.start, range.end);
  }

  /** R9: whether the bytes that answer this request are still those of the page, and not here already. */
  mayInstall(request: number, page: PageIndex): boolean {
    return this.#requests.fetches.isComing(page, this.#held, request) && !this.#port.isCached(page);
  }

  /** A page of [start, end) that a thread waits to store to, with the token for it held: install it writable. -1: none. */
  writableWant(start: PageIndex, end: PageIndex): PageIndex {
    const want = this.#wants.find(
      ({ page, mode }) =>
        mode === Mode.write &&
        page >= start &&
        page < end &&
        this.#held.modeAt(page) === Mode.write &&
        !this.#revokes.bars(page, Mode.write),
    );
    return want?.page ?? -1;
  }

  /** Pages up to `end` have come, and were put into the cache where that was allowed; `more` follow. */
  onData(request: number, end: PageIndex, more: boolean, now: Micros): void {
    this.#requests.fetches.arrived(request, end, more);
    this.#pump(now);
  }

  /** The home had no room in its line, or could not read pages: threads, and pins that are told of pages, wait a second. */
  onFailed(request: number, now: Micros): void {
    const retryAt = now + retryMicros;
    this.#requests.failed(request, retryAt, (start, end) => {
      this.#wants.delay(start, end, retryAt);
      this.#pins.delay(start, end, retryAt, (pin) => this.#port.pinFailed(pin));
    });
    this.#pump(now);
  }

  /** The home asks to keep no more than `mode`. `wantEnd` is how far the asker would go. */
  onRevoke(mode: Mode, start: PageIndex, end: PageIndex, epoch: Epoch, wantEnd: PageIndex, now: Micros): void {
    if (start >= end) return; // Asks for nothing; no home says so.
    this.#epoch = Math.max(this.#epoch, epoch);
    this.#revokes.add({ mode, start, end, wantEnd, sequence: ++this.#sequenceLast, isOwn: false });
    this.#pump(now);
  }

  /** The file has this size as of `epoch`; the page cache has been cut or extended to it already. */
  onResize(sizeBytes: ByteOffset, epoch: Epoch, now: Micros): void {
    const firstPage = firstPageChanged(this.#sizeBytes, sizeBytes);
    this.#sizeBytes = sizeBytes;
    this.#epoch = Math.max(this.#epoch, epoch);
    this.#held.stamp(firstPage, pageMax, epoch);
    this.#retryFrom(firstPage);
    this.#pump(now);
  }

  /** The shell has refused the threads that waited for this page: it is not wanted any more. */
  abandon(page: PageIndex): void {
    this.#wants.serve((want) => want.page === page);
  }

  /**
   * Asks for a token on the range, until `unpin`, and for its pages unless all of them are going to be overwritten, or are
   * none (`data` false); `port.pinned` tells when they are here.
   */
  pin(pin: number, mode: Mode, start: PageIndex, end: PageIndex, now: Micros, data = true, isUrgent = false): void {
    this.#pins.add({ pin, mode, start, end, hold: true, data, sequence: ++this.#sequenceLast, isUrgent });
    this.#pump(now);
  }

  /** As `pin`, a window at a time and without keeping others away; over when `port.pinned` is called. */
  prefetch(pin: number, mode: Mode, start: PageIndex, end: PageIndex, now: Micros): void {
    this.#pins.add({ pin, mode, start, end, hold: false, data: true, sequence: ++this.#sequenceLast });
    this.#pump(now);
  }

  /** `since`: a thread has waited for it since then, and works with it now, in a cache above this one; Infinity for none. */
  unpin(pin: number, now: Micros, since: Micros = Number.POSITIVE_INFINITY): void {
    this.#fresh.addHold(this.#pins.remove(pin), since, now);
    this.#pump(now);
  }

  /** The file is being closed here: no hold stands in the way any more. */
  unpinAll(now: Micros): void {
    this.#pins.clear();
    this.#pump(now);
  }

  /** Gives a range back unasked: its dirty pages are written back, then it is dropped. */
  giveBack(start: PageIndex, end: PageIndex, now: Micros): void {
    this.#revokes.add({ mode: Mode.none, start, end, wantEnd: end, sequence: ++this.#sequenceLast, isOwn: true });
    this.#pump(now);
  }

  /** The shell has dropped pages, written back before, under tokens that stay held. What is under way for them is old (R9). */
  evicted(start: PageIndex, end: PageIndex): void {
    this.#requests.overtake(start, end);
  }

  /** How far stores may go from this page on, whose write token is held. Not past `limit`, nor into what is asked back. */
  writeEnd(page: PageIndex, limit: PageIndex): PageIndex {
    return this.#revokes.count > 0 ? page + 1 : Math.min(limit, this.#held.end(this.#held.firstEndingAfter(page)));
  }

  /** Its deadline has come, or an earlier `recall` or `writeBack` may be tried again. */
  onTime(now: Micros): void {
    this.#pump(now);
  }

  /** Tells what is held, for a home that has to hear it again. */
  eachHeld(act: (mode: Mode, start: PageIndex, end: PageIndex, epoch: Epoch) => void): void {
    this.#held.each(act);
  }

  /**
   * The connection was lost and is back, and the home has heard what is held: that goes on. What was under way in either
   * direction is void; what is still wanted is asked for again. Giving the whole file up (its close) goes on too.
   */
  onReclaimed(sizeBytes: ByteOffset, epoch: Epoch, now: Micros): void {
    this.#requests.clear();
    this.#revokes.restart();
    if (sizeBytes !== this.#sizeBytes) this.onResize(sizeBytes, epoch, now);
    this.#epoch = Math.max(this.#epoch, epoch);
    this.#pump(now);
  }

  /** The home gave this range to others meanwhile: the shell has dropped its pages. */
  onClaimRefused(start: PageIndex, end: PageIndex): void {
    this.#held.set(start, end, Mode.none, 0);
  }

  /** The session is lost: nothing is held, nothing is under way. Threads go on waiting, and ask again at `onTime`. */
  reset(sizeBytes: ByteOffset): void {
    this.#held.clear();
    this.#requests.clear();
    this.#revokes.clear();
    this.#epoch = 0;
    this.#retryFrom(firstPageChanged(this.#sizeBytes, sizeBytes));
    this.#sizeBytes = sizeBytes;
    this.#pins.restart();
    this.#wants.delay(0, pageMax, 0);
  }

  /** One line: held, wanted, asked. For people who look at a stuck node. */
  describe(): string {
    const asked = `asked ${this.#revokes.describe()}; let on ${this.#fresh.describe(this.#port)}`;
    const held = `held ${this.#held.describe()}, newest @${this.#epoch}; wanted ${this.#wants.describe()}`;
    return `${held}; ${asked}; pins ${this.#pins.describe()}; ${this.#requests.describe()}`;
  }

  /** Threads that waited for a page that is now beyond the end, or was and is not, look again (R5). */
  #retryFrom(firstPage: PageIndex): void {
    this.#wants.serve(({ page }) => {
      if (page >= firstPage) this.#port.retry(page);
      return page >= firstPage;
    });
  }

  #pump(now: Micros): void {
    this.#deadline = this.#requests.askAgain(now);
    this.#serveWants(now);
    this.#wakeAt(this.#pinServer.serve(pageEndAt(this.#sizeBytes), now));
    // Giving way may take from under a thread, or a hold, what it waits for: then it asks anew, behind the others, and does not
    // stand in the way any more of those that came before.
    while (this.#revokes.count > 0 && this.#revokes.serve((revoke) => this.#serveRevoke(revoke, now))) {
      this.#serveWants(now);
      this.#wakeAt(this.#pinServer.serve(pageEndAt(this.#sizeBytes), now));
    }
  }

  #serveWants(now: Micros): void {
    if (this.#wants.count > 0) this.#wants.serve((want) => this.#serveWant(want, now));
  }

  /** @returns whether the threads that wait on the page run again. */
  #serveWant(want: Want, now: Micros): boolean {
    const { page, mode } = want;
    if (this.#held.modeAt(page) < mode) {
      this.#acquireFor(want);
      // Readers sleep there too, and the one who holds the page may be among them: what they wait for need not wait.
      if (this.#pins.holds(page) && !this.#port.isCached(page)) this.#fetchFor(want, now);
      return false;
    }
    if (this.#revokes.bars(page, mode)) return false;
    if (!this.#port.isCached(page)) {
      this.#fetchFor(want, now);
      return false;
    }
    this.#port.resolve(page, mode === Mode.write, want.waited);
    if (want.waited) this.#fresh.add(page, page + 1, mode, want.sequence, want.since, now);
    return true;
  }

  #acquireFor(want: Want): void {
    const { page, mode } = want;
    want.waited = true;
    if (this.#requests.acquires.covers(page, page + 1, mode)) return;
    const needsData = !this.#port.isCached(page) || this.#held.modeAt(page) === Mode.none;
    const windowEnd = needsData ? this.#clip(page + this.#readahead.onFault(page)) : page + 1;
    // A stream that goes on asks for tokens as far ahead as for data; a lone fault takes one page from the others.
    this.#requests.acquire(mode, page, Math.max(windowEnd, page + 1), windowEnd, needsData);
  }

  #fetchFor(want: Want, now: Micros): void {
    const { page } = want;
    if (this.#requests.fetches.isComing(page, this.#held)) return;
    if (want.retryAt > now) {
      this.#wakeAt(want.retryAt);
      return;
    }
    want.waited = true;
    this.#requests.fetch(page, this.#clip(page + this.#readahead.onFault(page)));
  }

  #serveRevoke(revoke: Revoke, now: Micros): boolean {
    const { mode, start } = revoke;
    if (!revoke.flushing && this.#mustKeep(revoke, now)) return false;
    const end = revoke.flushing ? revoke.end : this.#endToGive(revoke);
    const isWritten = this.#held.strongest(start, end) === Mode.write;
    if (!this.#port.recall(mode, start, end) || (isWritten && !this.#port.writeBack(start, end))) {
      revoke.flushing = true;
      return false;
    }
    if (isWritten) this.#requests.overtakeWritten(start, end);
    if (mode === Mode.none) this.#port.evict(start, end);
    this.#held.restrict(start, end, mode, this.#epoch);
    assert(this.#held.strongest(start, end) <= mode, "no token is newer than the newest epoch heard of");
    // Grants that are still under way have a newer epoch, and stand.
    this.#port.release(mode, start, end, this.#epoch);
    return true;
  }

  /** R10. Only those who were here before the revoke count: else a busy program could keep a waiter out for ever. */
  #mustKeep(revoke: Revoke, now: Micros): boolean {
    const { mode, start, end, sequence } = revoke;
    if (this.#pins.blocks(mode, start, end, this.#held, sequence)) return true;
    const keepUntil = this.#fresh.keepUntil(revoke, now, this.#port);
    if (keepUntil > now) {
      this.#wakeAt(keepUntil);
      return true;
    }
    return this.#wants.some(({ page, ...want }) => {
      if (page < start || page >= end || want.mode <= mode || want.sequence >= sequence) return false;
      return this.#held.modeAt(page) >= want.mode && this.#requests.fetches.isComing(page, this.#held);
    });
  }

  /** What this node never touched and the asker could use is given along with what was asked. */
  #endToGive({ end, wantEnd }: Revoke): PageIndex {
    let limit = surplusLimit(this.#held, end, wantEnd);
    for (const touched of [this.#wants, this.#requests.fetches, this.#pins]) limit = touched.firstIn(end, limit);
    return this.#port.nextCached(end, limit);
  }

  /** Pages end at the end of the file. */
  #clip(page: PageIndex): PageIndex {
    return Math.min(page, pageEndAt(this.#sizeBytes));
  }

  #wakeAt(time: Micros): void {
    if (time < this.#deadline) this.#deadline = time;
  }
}
