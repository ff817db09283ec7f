import type { Failures } from "../core/failures.js";
import { FileTokens } from "../core/token/file-tokens.js";
import type { LockedPages } from "../core/token/locked-pages.js";
import { Retention } from "../core/token/retention.js";
import type { TokenPort } from "../core/token/token-port.js";
import { type ByteOffset, type Epoch, Mode, type PageIndex, pageAt, pageEndAt, pageMax } from "../core/units.js";
import { type Frame, FrameFlag, FrameType } from "../core/wire/frame.js";
import { nowMicros } from "../kernel/clock.js";
import type { FaultHandler, PageCache } from "../mapping/page-cache.js";
import type { Pager } from "../mapping/pager.js";
import { FaultClock, stallMicros } from "./fault-clock.js";
import { FileFrames } from "./file-frames.js";
import type { HomeConnection } from "./home-connection.js";
import { lockedPagesOf } from "./lock-hand-over.js";
import type { NodeMetrics } from "./metrics.js";
import type { NodeFileOptions, NodeFileSink } from "./node-file-sink.js";
import type { PageAttic } from "./page-attic.js";
import { PageReceiver } from "./page-receiver.js";
import { ReadFailure } from "./read-failure.js";
import { NodeRetentionPort } from "./retention-port.js";
import { StoreRun } from "./store-run.js";
import { noUpperCache, type UpperCache } from "./upper-cache.js";
import { Usable } from "./usable.js";
import { WriteBack } from "./write-back.js";

/**
 * One open file on this node: the shell that joins the page cache (faults), the token machine (decisions) and the
 * connection (frames). It decides nothing; every branch here is a translation.
 */
export class NodeFile implements TokenPort, FaultHandler {
  readonly name: string;
  readonly cache: PageCache;
  readonly tokens: FileTokens;
  readonly frames: FileFrames;
  /** Who waits in faults, and since when. */
  readonly clock = new FaultClock();
  readonly lockedPages: LockedPages;
  readonly writes: WriteBack;
  readonly readFailure = new ReadFailure();
  readonly receiver: PageReceiver;
  readonly usable = new Usable();
  upperCache: UpperCache = noUpperCache;
  readonly #connection: HomeConnection;
  readonly #metrics: NodeMetrics;
  readonly #sink: NodeFileSink;
  readonly #attic: PageAttic;
  readonly #retention: Retention;
  readonly #stores: StoreRun;
  #onLeft: (() => void) | undefined;
  /** Of the last resize, while the home waits to hear that it is done. */
  #resizeEpoch: Epoch = -1;

  constructor(
    pager: Pager,
    connection: HomeConnection,
    attic: PageAttic,
    metrics: NodeMetrics,
    options: NodeFileOptions,
    sink: NodeFileSink,
  ) {
    this.name = options.name;
    this.frames = new FileFrames(connection, options.name, options.number);
    this.#connection = connection;
    this.#metrics = metrics;
    this.#sink = sink;
    this.#attic = attic;
    this.cache = pager.createCache({
      name: `dmmap:${options.name}`,
      sizeBytes: options.sizeBytes,
      handler: this,
      memory: options.memory,
    });
    this.cache.onTouch = (page) => this.#act(() => this.tokens.touched(page, nowMicros()));
    this.cache.mapLimit = (start, end) => this.tokens.mapEnd(start, end);
    this.cache.onSuspendedTouch = (page) => {
      this.clock.start(page, nowMicros());
      this.#afterwards();
    };
    const whenRoom = (goOn: () => void) => this.writes.whenRoom(goOn);
    this.#retention = new Retention(new NodeRetentionPort(this.cache, attic, this.frames, whenRoom));
    this.writes = new WriteBack(this.cache, this.frames, this.#retention, metrics, (page) => {
      return this.tokens.modeAt(page) === Mode.write;
    });
    this.tokens = new FileTokens(this, { policy: options.policy, sizeBytes: options.sizeBytes });
    this.lockedPages = lockedPagesOf(this.tokens, sink, (action) => this.#act(action));
    this.#stores = new StoreRun(this.cache, this.tokens);
    this.receiver = new PageReceiver(this.cache, this.tokens, this.clock, this.#retention);
  }

  // Faults, from the page cache.

  noPage(_cache: PageCache, page: PageIndex, write: boolean): void {
    const now = nowMicros();
    if (this.#connection.hasLapsed(now)) return; // Everything is suspended by now, and this fault comes again.
    this.#metrics.noPageFaults++;
    this.clock.start(page, now);
    this.tokens.noPage(page, write, now);
    this.#afterwards();
  }

  wpPage(_cache: PageCache, page: PageIndex): void {
    const now = nowMicros();
    if (this.#connection.hasLapsed(now)) return;
    this.#metrics.wpPageFaults++;
    this.clock.start(page, now);
    this.tokens.wpPage(page, now);
    this.#afterwards();
  }

  /** Refuses the threads that have waited since `before` or longer: SIGBUS, as for a file whose disk is gone. */
  refuseWaiters(before: number): void {
    for (const page of this.clock.waitingSince(before)) {
      this.clock.stop(page, 0);
      this.tokens.abandon(page);
      this.cache.poison(page, page + 1);
    }
  }

  // Frames, from the home.

  /** `payload`: as of `InputSink.onFrame`. */
  onFrame(frame: Frame, payload: Uint8Array): void {
    if (!this.frames.isReady) return; // The home does not know yet what is held here: it will ask and tell again.
    const now = nowMicros();
    switch (frame.type) {
      case FrameType.grant:
        this.#onGrant(frame, now);
        break;
      case FrameType.data:
        this.#metrics.dataPages += frame.dataEnd - frame.dataStart;
        this.receiver.install(frame);
        this.tokens.onData(frame.request, frame.dataEnd, (frame.flags & FrameFlag.more) !== 0, now);
        break;
      case FrameType.revoke:
        this.#metrics.revokes++;
        this.tokens.onRevoke(frame.mode, frame.start, frame.end, frame.epoch, frame.dataEnd, now);
        break;
      case FrameType.resize:
        this.#onResize(frame, now);
        break;
      case FrameType.failure:
        this.readFailure.came(payload, now);
        this.tokens.onFailed(frame.request, now);
        break;
    }
    this.#afterwards();
  }

  #onGrant(frame: Frame, now: number): void {
    this.#metrics.grants++;
    if (frame.mode === Mode.write && frame.dataStart === frame.dataEnd) this.#metrics.upgrades++;
    this.#metrics.dataPages += frame.dataEnd - frame.dataStart;
    const { request, mode, start, end, epoch, dataStart, dataEnd, extra } = frame;
    this.tokens.onGrant(request, mode, start, end, epoch, dataStart, Math.max(dataEnd, extra));
    this.lockedPages.granted(start, end, epoch);
    this.receiver.install(frame);
    this.tokens.onData(request, dataEnd, (frame.flags & FrameFlag.more) !== 0, now);
  }

  #onResize({ extra: sizeBytes, epoch }: Frame, now: number): void {
    this.#resizeEpoch = epoch;
    const { growth } = this.frames;
    // Nobody else has it, and nothing was asked: so the home's store has refused what this node has made longer by itself.
    if (growth.isOurs && sizeBytes < this.cache.sizeBytes) {
      const [start, end] = [pageAt(sizeBytes), pageEndAt(this.cache.sizeBytes)];
      this.losses.add();
      this.#sink.onLost(start, end, "the home cannot make it so long");
    }
    growth.resized(sizeBytes);
    const onDropped = this.#resize(sizeBytes, epoch, now);
    onDropped(() => {
      if (this.#resizeEpoch === epoch) this.frames.resized(epoch);
    });
  }

  /** Whether this node may make the file longer by itself just now. */
  get mayGrow(): boolean {
    return this.frames.growth.isOurs && this.usable.is && !this.#connection.hasLapsed(nowMicros());
  }

  /** Makes it longer. The home hears of that before anything that goes by it. */
  grow(sizeBytes: ByteOffset): void {
    this.frames.growth.grew(sizeBytes);
    this.#resize(sizeBytes, this.tokens.epoch, nowMicros())(() => undefined);
    this.#sink.onGrew(this);
    this.#afterwards();
  }

  /** @returns as `#setSize` */
  #resize(sizeBytes: ByteOffset, epoch: Epoch, now: number): (onDropped: () => void) => void {
    const onDropped = this.#setSize(sizeBytes);
    this.tokens.onResize(sizeBytes, epoch, now);
    this.#sink.onResize(this);
    return onDropped;
  }

  /** @returns what calls its argument when no cache shows the file with the former size. */
  #setSize(sizeBytes: ByteOffset): (onDropped: () => void) => void {
    const fromBytes = this.cache.sizeBytes;
    this.cache.setSize(sizeBytes);
    this.#retention.onResize(sizeBytes);
    this.frames.askedSizes.heard(sizeBytes);
    return (onDropped) => this.upperCache.resize(fromBytes, sizeBytes, onDropped);
  }

  // What the token machine tells us to do.

  acquire(...args: Parameters<TokenPort["acquire"]>): void {
    this.#metrics.acquires++;
    this.lockedPages.acquired(args[1], args[2], args[3]);
    this.frames.acquire(...args);
  }

  fetch(request: number, start: PageIndex, end: PageIndex, epoch: Epoch): void {
    this.#metrics.fetches++;
    this.frames.fetch(request, start, end, epoch);
  }

  release(mode: Mode, start: PageIndex, end: PageIndex, epoch: Epoch): void {
    this.frames.release(mode, start, end, epoch, this.tellDuty());
  }

  isCached(page: PageIndex): boolean {
    return this.cache.isCached(page);
  }

  nextCached(page: PageIndex, end: PageIndex): PageIndex {
    return this.cache.nextCached(page, end);
  }

  nextUncached(page: PageIndex, end: PageIndex): PageIndex {
    return this.cache.nextUncached(page, end);
  }

  resolve(page: PageIndex, write: boolean, waited: boolean): void {
    const now = nowMicros();
    this.#metrics.faultMicros += this.clock.stop(page, now);
    this.#metrics.faults++;
    if (waited && this.cache.waiting(page)) this.clock.letOn(page, this.cache.waitingThread(page));
    // `install` has answered already whoever waited for this very page.
    if (write && !(this.cache.isWritable(page) && !this.cache.waiting(page))) {
      this.cache.allowWrite(page, this.#stores.next(page));
    } else if (!write && this.cache.waiting(page)) this.cache.resolve(page);
  }

  /** Called when a deadline of `tokens` has come, or the upper cache has dropped what it was to drop. */
  onTime(now: number): void {
    this.#act(() => this.tokens.onTime(now));
  }

  hasRun(page: PageIndex): boolean {
    return this.clock.hasRun(page);
  }

  recall(mode: Mode, start: PageIndex, end: PageIndex): boolean {
    return this.upperCache.recall(mode, start, end);
  }

  writeBack(start: PageIndex, end: PageIndex): boolean {
    return this.writes.send(start, end);
  }

  evict(start: PageIndex, end: PageIndex): void {
    this.#retention.leaving(start, end, this.tokens.epoch);
    this.receiver.onEvict(start, end);
    this.cache.evict(start, end);
  }

  retry(page: PageIndex): void {
    this.clock.stop(page, 0);
    this.cache.retry(page);
  }

  pinned(pin: number): void {
    this.#sink.onPinned(pin);
  }

  pinFailed(pin: number): void {
    this.#sink.onPinFailed(pin, this.readFailure.error);
  }

  // What the program asks.

  /** `since`: as of `FileTokens.unpin`. */
  unpin(pin: number, since?: number): void {
    this.#act(() => this.tokens.unpin(pin, nowMicros(), since));
  }

  get losses(): Failures {
    return this.#retention.losses;
  }

  /** The last duty that this node has taken on, for whatever file, for a message to the home (R20). */
  tellDuty(): number {
    return this.#attic.duties.tell();
  }

  /** Gives everything back; `onLeft` is called when the last dirty page and the release have been queued. */
  leave(now: number, onLeft: () => void): void {
    this.tokens.unpinAll(now);
    this.#onLeft = onLeft;
    this.#act(() => this.tokens.giveBack(0, pageMax, now));
  }

  // The connection, and its loss.

  onDisconnected(): void {
    this.frames.isReady = false;
    this.frames.growth.onDown();
    this.#retention.cancelRestore();
    this.#resizeEpoch = -1; // The home will not wait for it any more.
  }

  /** The lease may have run out at the home: nobody here sees or changes a shared page until that is known (R15). */
  suspend(): void {
    if (this.usable.set(false)) this.cache.suspend();
  }

  /**
   * The home has this node's session, or takes its word: sends what may have been lost (R20), then what is held.
   * `onSent` is called behind the last claim.
   */
  restoreAndClaim(number: number, onSent: () => void): void {
    this.frames.number = number;
    this.frames.claimGrowth();
    this.#retention.restore(this.tokens.epoch, () => {
      this.tokens.eachHeld((mode, start, end, epoch) => this.frames.claim(mode, start, end, epoch));
      onSent();
    });
  }

  /** The home has taken the claims, but for the ranges it refused: what was stored there is lost. */
  onClaimed(
    sizeBytes: ByteOffset,
    epoch: Epoch,
    refused: readonly (readonly [PageIndex, PageIndex])[],
    report: (start: PageIndex, end: PageIndex) => void,
  ): void {
    for (const [start, end] of refused) {
      this.#retention.drop(start, end, report);
      this.tokens.onClaimRefused(start, end);
    }
    if (sizeBytes !== this.cache.sizeBytes) this.#setSize(sizeBytes)(() => undefined);
    this.frames.isReady = true;
    this.#act(() => this.tokens.onReclaimed(sizeBytes, epoch, nowMicros()));
    this.#use();
  }

  /** The home has ended this session: what is cached may be out of date, and dirty pages cannot be sent any more. */
  loseSession(report: (start: PageIndex, end: PageIndex) => void): void {
    this.#retention.drop(0, pageMax, report);
    this.#retention.clear();
    this.frames.sessionLost();
  }

  /** The home does not find it any more, in a new session or after a restart: nobody answers for it, and nothing is held. */
  onGone(): void {
    this.frames.forgetNumber();
    this.writes.onRoom(); // Nothing is dirty any more.
    this.#act(() => this.tokens.reset(this.cache.sizeBytes));
  }

  startSession(number: number, sizeBytes: ByteOffset): void {
    this.frames.number = number;
    if (sizeBytes !== this.cache.sizeBytes) this.#setSize(sizeBytes)(() => undefined);
    this.tokens.reset(sizeBytes);
    this.frames.isReady = true;
    this.#act(() => this.tokens.onTime(nowMicros()));
    this.#use();
  }

  #use(): void {
    if (this.#connection.hasLapsed(nowMicros())) return; // The home's answer came too late: it will be asked anew.
    if (this.usable.set(true)) {
      this.clock.clear(); // Whoever waits faults again.
      this.cache.resume();
    }
    this.usable.goOn();
    this.onRoom(nowMicros());
  }

  /** The socket has taken something: what waited for room goes on. */
  onRoom(now: number): void {
    this.writes.onRoom();
    this.onTime(now);
  }

  #act(action: () => void): void {
    action();
    this.#afterwards();
  }

  #afterwards(): void {
    this.#sink.onDeadline(Math.min(this.tokens.deadline, this.clock.oldest + stallMicros));
    if (this.#onLeft === undefined || this.tokens.heldCount > 0) return;
    const onLeft = this.#onLeft;
    this.#onLeft = undefined;
    onLeft();
  }
}
