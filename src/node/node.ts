import { DmmapError } from "../core/error.js";
import type { FailureListener } from "../core/failures.js";
import type { LeavingPages } from "../core/token/locked-pages.js";
import type { Micros, PageIndex } from "../core/units.js";
import { whenAll } from "../core/when-all.js";
import type { Opened, Welcome } from "../core/wire/control.js";
import { carriesPages, type Frame, FrameFlag, FrameType } from "../core/wire/frame.js";
import { nowMicros } from "../kernel/clock.js";
import { ExtentPool } from "../mapping/extent-pool.js";
import { Pager } from "../mapping/pager.js";
import { PooledMemory } from "../mapping/pooled-memory.js";
import { CacheBudget } from "./cache-budget.js";
import { ClosingFiles } from "./closing-files.js";
import { FileDeadlines } from "./file-deadlines.js";
import { GiveBack } from "./give-back.js";
import { goneError } from "./gone-error.js";
import { soundOpened } from "./home-answers.js";
import { HomeConnection } from "./home-connection.js";
import { HomeRequests } from "./home-requests.js";
import { KeptRelief } from "./kept-relief.js";
import { lostError } from "./lost-error.js";
import { noMetrics } from "./metrics.js";
import type { NodeEvents, NodeSetup } from "./node-commands.js";
import { NodeEnd } from "./node-end.js";
import { NodeFile } from "./node-file.js";
import { NodeSession, type SessionChange } from "./node-session.js";
import { type OpenFile, OpenFiles, type OpenRequest } from "./open-files.js";
import { PageAttic } from "./page-attic.js";
import { payloadBuffer } from "./page-receiver.js";
import { Pins } from "./pins.js";
import { NodeRangeLocks } from "./range-locks.js";
import { Recalls } from "./recalls.js";
import { StallWatch } from "./stall-watch.js";
import { UntoldFiles } from "./untold-files.js";

/** How long a dirty page stays on this node alone, when nobody asks for it and nobody syncs. */
const writeBackMicrosMin = 1_000_000;
/** And at most, when there is so much of it that writing it back every second would be most of what the machine does. */
const writeBackMicrosMax = 10_000_000;
const writeBackRest = 20;

/** Something on the pager's thread that acts at certain times: called at every deadline, answers when to call it again. */
export type Timer = (now: number) => number;

/**
 * One node, on its pager's thread: the connection and the session with the home, the open files with their caches, and
 * the times at which any of them wants to act. What programs want of it is for those who drive it: `NodePager` for a
 * program's maps, the mount for the kernel.
 */
export class Node {
  readonly pager: Pager;
  readonly files = new OpenFiles();
  readonly metrics = noMetrics();
  readonly requests: HomeRequests;
  readonly locks: NodeRangeLocks;
  readonly recalls: Recalls;
  readonly pins: Pins;
  readonly untold: UntoldFiles;
  readonly stalls: StallWatch;
  /** Called when what this node may act on has changed: see SessionChange. */
  onSession: (change: SessionChange) => void = () => {};
  /** Calls `done` when nothing above goes by what was told on a lease before the connection was lost. */
  beforeRecovered: (done: () => void) => void = (done) => done();
  readonly #emit: <Name extends keyof NodeEvents>(event: Name, value: NodeEvents[Name]) => void;
  readonly #connection: HomeConnection;
  readonly #session: NodeSession;
  readonly #end: NodeEnd;
  readonly #giveBack: GiveBack;
  readonly #closing: ClosingFiles;
  readonly #relief = new KeptRelief(this.files);
  readonly #attic: PageAttic;
  readonly #pool: ExtentPool | undefined;
  readonly #budget: CacheBudget;
  readonly #deadlines: FileDeadlines;
  readonly #timers: Timer[] = [];
  #onFirstUp: ((welcome: Welcome | undefined, error?: DmmapError) => void) | undefined;
  #wasUp = false;
  #writeBackAt = Number.POSITIVE_INFINITY;
  /** Whether some file may have become unstable, or still be so, for another reason than a page that is dirty. */
  #mayBeUnstable = false;
  #lastDutySeen = 0;
  #writeBackMicros = writeBackMicrosMin;

  /** `isMapped`: whether pages of its files may be mapped. */
  constructor(setup: NodeSetup, emit: (event: string, value: unknown) => void, isMapped: boolean) {
    const pool = isMapped ? undefined : new ExtentPool(setup.cachePages);
    if (pool !== undefined) this.addTimer((now) => pool.onTime(now));
    this.#pool = pool;
    this.pager = new Pager(setup.polling);
    this.#attic = new PageAttic(this.pager);
    this.#emit = emit;
    this.#connection = new HomeConnection(this.pager, setup, setup.name, {
      payloadAddress: (frame) => this.#payloadAddress(frame),
      onFileFrame: (frame, payload) => this.#onFrame(frame, payload),
      // It has no room for what was sent, and keeps that in line.
      onRefused: (file, error) => this.files.byNumber(file)?.file.writes.failSyncs(error),
      beforeRequest: () => this.untold.tell(),
      onUp: (welcome) => this.#onUp(welcome),
      onDown: (error) => this.#onDown(error),
      onLapsed: () => this.#session.onLapsed(),
      isAsked: () => this.#isAsked(),
      lastDuty: () => this.#attic.duties.tell(),
    });
    this.requests = new HomeRequests(this.#connection);
    this.locks = new NodeRangeLocks(this.requests, this.#connection, (open, stores, then) =>
      this.handOver(open, stores, then),
    );
    this.untold = new UntoldFiles(this.#connection, this.files);
    this.#giveBack = new GiveBack(this.requests);
    this.recalls = new Recalls(this.#connection);
    this.stalls = new StallWatch(this.#emit, setup.faultDeadlineMicros);
    this.#deadlines = new FileDeadlines(this.files, this.stalls, (deadline) => this.wakeAt(deadline));
    this.pins = new Pins((deadline) => this.#deadlines.add(deadline));
    this.#closing = new ClosingFiles(this.pins);
    this.#session = new NodeSession({
      connection: this.#connection,
      requests: this.requests,
      files: this.files,
      locks: this.locks,
      pins: this.pins,
      emit: this.#emit,
      onChange: (change) => this.onSession(change),
      beforeRecovered: (done) => this.beforeRecovered(done),
    });
    this.#end = new NodeEnd({
      files: this.files,
      closing: this.#closing,
      requests: this.requests,
      session: this.#session,
      connection: this.#connection,
      giveBack: this.#giveBack,
    });
    this.#budget = new CacheBudget(setup.cachePages, this.metrics);
    this.pager.onIdle = () => this.#onIdle();
    this.pager.onDeadline = (now) => this.#onTime(now);
  }

  /** `onUp` is called once: with the home's first welcome, or with why there is none. */
  connect(onUp: (welcome: Welcome | undefined, error?: DmmapError) => void): void {
    this.#onFirstUp = onUp;
    this.#connection.open();
  }

  addTimer(timer: Timer): void {
    this.#timers.push(timer);
  }

  /**
   * Opens a file, or opens it once more: each call wants one `close`. `name` is for people; `again` is how to ask for the
   * same file in a new session.
   */
  open(
    name: string,
    request: OpenRequest,
    again: OpenRequest,
    onOpened: (open: OpenFile, opened: Opened) => void,
    onFail: (error: unknown) => void,
  ): void {
    const onReply = (answer: object) => {
      const opened = soundOpened(answer);
      if (opened === undefined) return onFail(new DmmapError("DMMAP_PROTOCOL", "no sound answer to open"));
      const isClosing = this.#closing.whenEnded(this.files.byNumber(opened.file), () =>
        this.open(name, request, again, onOpened, onFail),
      );
      if (!isClosing) onOpened(this.adopt(name, again, opened), opened);
    };
    this.requests.ask({ ...request, onReply, onFail });
  }

  /** As `open`, of a file that the home has opened just now, for this node. */
  adopt(name: string, again: OpenRequest, opened: Opened): OpenFile {
    const open = this.files.byNumber(opened.file) ?? this.#add(opened.name ?? name, again, opened);
    if (opened.growsHere === true) open.file.frames.growth.opened();
    open.isShared = opened.isShared === true;
    open.opens++;
    return open;
  }

  /** Opens a file that is gone once more: it may be where it was seen last by now. */
  openAgain(open: OpenFile, onOpened: () => void, onFail: (error: unknown) => void): void {
    const onReply = (answer: object) => {
      const opened = soundOpened(answer);
      if (opened === undefined) return onFail(new DmmapError("DMMAP_PROTOCOL", "no sound answer to open"));
      if (open.isGone) this.#session.begin(open, opened);
      onOpened();
    };
    this.requests.ask({ ...open.again, onReply, onFail });
  }

  /** At the last close, everything dirty goes to the home, then every token, and then the file is closed there. */
  close(open: OpenFile, onClosed: () => void, onFail: (error: unknown) => void): void {
    if (--open.opens > 0) return onClosed();
    this.#closing.begin(open);
    const onGiven = () => {
      this.files.delete(open);
      this.locks.closed(open);
      this.stalls.listen(open.id, false);
      open.file.cache.close();
      this.#closing.end(open);
      onClosed();
    };
    const onFailed = (error: unknown) => {
      this.#closing.end(open);
      onFail(error);
    };
    this.locks.settle(open, () => this.#giveBack.give(open, onGiven, onFailed));
  }

  /**
   * Before others may have a lock: has the home know all that programs above this node have stored so far, before `then` and what
   * it sends: to any file, as one may speak of the other (a log and its index). Does nothing while the home is away. And the
   * pages that go with the lock leave the cache above, so that they are released ahead of the lock.
   */
  handOver({ file }: OpenFile, stores: boolean, then: () => void): void {
    const drop = ({ start, end }: LeavingPages, done: () => void) => file.upperCache.drop(start, end, done);
    const leave = (done: () => void) => whenAll(file.lockedPages.leaving(), drop, done);
    if (!stores) return leave(then);
    // Sent last: so that stores, pages and lock leave together.
    const send = () => (this.#connection.isUp ? this.sendDirty(then) : then());
    file.upperCache.flush(() => leave(send));
  }

  sendDirty(onSent: () => void): void {
    whenAll(this.files.all(), ({ file }, done) => file.writes.sendDirty(done), onSent);
  }

  /** Everything dirty onto the home's stable storage. `losses`: of whoever asks for it on behalf of a program. */
  sync(open: OpenFile, onDone: (error: DmmapError | undefined) => void, losses?: FailureListener): void {
    const { file } = open;
    if (losses?.take() === true) return onDone(lostError(file.name));
    const onSynced = (error: DmmapError | undefined) => {
      if (error === undefined || !this.requests.retry(error, () => this.sync(open, onDone, losses))) onDone(error);
    };
    // It puts down what the home has heard before; which may have lost the file until it has.
    file.upperCache.tellChanges(() => {
      if (open.isGone) onDone(goneError(file.name));
      else file.writes.sync(onSynced, true);
    });
  }

  /** Gives everything back, if the home is there to take it; else says what is lost. */
  stop(done: () => void): void {
    this.#end.begin(done);
  }

  /** Once it stops: waits for the home no longer, and says what is lost. */
  giveUp(): void {
    this.#end.giveUp();
  }

  /** Until when this node may go by what it was told on a lease, on the clock of `nowMicros`. */
  get leaseUntil(): Micros {
    return this.#connection.leaseUntil;
  }

  /** Since when nothing comes from the home, on the clock of `nowMicros`; Infinity when it does. */
  get downSince(): number {
    return this.#session.downSince;
  }

  /** Why nothing comes from the home just now; empty when it does. */
  get downReason(): string {
    return this.#session.downReason;
  }

  /** Says of pages that what was stored to them is gone. */
  reportLost(open: OpenFile, start: PageIndex, end: PageIndex, why?: string): void {
    this.#session.reportLost(open, start, end, why);
  }

  /** Makes sure that the node looks at its timers then. */
  wakeAt(deadline: number): void {
    if (deadline < this.pager.deadline) this.pager.deadline = deadline;
  }

  #onUp(welcome: Welcome): void {
    if (this.#wasUp) return this.#session.onUp(welcome);
    this.#wasUp = true;
    this.#onFirstUp?.(welcome);
    this.#onFirstUp = undefined;
  }

  #onDown(error: DmmapError): void {
    this.recalls.onDown();
    this.untold.onDown();
    this.locks.onDown();
    if (this.#wasUp) return this.#session.onDown(error);
    this.#connection.close();
    this.#onFirstUp?.(undefined, error);
    this.#onFirstUp = undefined;
  }

  #add(name: string, again: OpenRequest, { file: number, policy, size }: Opened): OpenFile {
    const id = this.files.nextId();
    const memory = this.#pool === undefined ? undefined : new PooledMemory(this.#pool);
    const options = { name, number, policy, sizeBytes: size, memory };
    const file = new NodeFile(this.pager, this.#connection, this.#attic, this.metrics, options, {
      onDeadline: (deadline) => this.#deadlines.add(deadline),
      onPinned: (pin) => this.pins.onPinned(pin),
      onPinFailed: (pin, error) => this.pins.onFailed(pin, error),
      nextPin: () => this.pins.next(),
      onLost: (start, end, why) => this.reportLost(open, start, end, why),
      onGrew: (grown) => this.untold.add(grown),
      onResize: (resized) => this.#emit("resize", { file: id, size: resized.cache.sizeBytes }),
    });
    if (this.#connection.hasLapsed(nowMicros())) file.suspend();
    const state = { opens: 0, isClosing: false, isShared: false, isGone: false, goneReason: "" };
    const open: OpenFile = { file, id, policy, again, ...state };
    this.files.add(open);
    return open;
  }

  #isAsked(): boolean {
    for (const { file } of this.files.all()) if (file.tokens.isAsked) return true;
    return false;
  }

  #onIdle(): void {
    this.pins.drain();
    this.#budget.keep(this.files.all(), this.pager.cachedPages);
    if (this.#writeBackAt === Number.POSITIVE_INFINITY && this.#isUnstable()) {
      this.#writeBackAt = nowMicros() + this.#writeBackMicros;
      this.wakeAt(this.#writeBackAt);
    }
    if (this.#budget.isOverdue(this.#attic.keptPages)) this.#relief.free(nowMicros());
    this.#connection.flush();
    if (this.#connection.output.takeRoom()) this.#onRoom();
    this.wakeAt(this.#connection.deadline);
  }

  #onRoom(): void {
    const now = nowMicros();
    for (const { file } of this.files.all()) file.onRoom(now);
    this.#connection.flush();
  }

  /** Asks each file, of which there may be thousands, only when one of them may have become so. */
  #isUnstable(): boolean {
    const { last: lastDuty } = this.#attic.duties;
    if (!this.#mayBeUnstable && this.pager.dirtyPages === 0 && lastDuty === this.#lastDutySeen) return false;
    this.#mayBeUnstable = false;
    this.#lastDutySeen = lastDuty;
    for (const { file } of this.files.all()) if (file.writes.isUnstable) return true;
    return false;
  }

  #onTime(now: number): void {
    this.pager.deadline = Number.POSITIVE_INFINITY;
    this.#connection.onTime(now);
    this.#deadlines.onTime(now, this.#session.downReason);
    if (now >= this.#writeBackAt) this.#writeBackAll();
    this.wakeAt(this.#writeBackAt);
    for (const timer of this.#timers) this.wakeAt(timer(now));
  }

  /** Afterwards rests for a multiple of the time that it took. */
  #writeBackAll(): void {
    this.#writeBackAt = Number.POSITIVE_INFINITY;
    this.#mayBeUnstable = true; // What cannot be synced now, or in vain, is tried again.
    const startedAt = nowMicros();
    for (const { file } of this.files.all()) {
      if (!file.frames.isReady || !file.writes.isUnstable) continue;
      file.writes.sync(() => {
        const rest = (nowMicros() - startedAt) * writeBackRest;
        this.#writeBackMicros = Math.max(writeBackMicrosMin, Math.min(rest, writeBackMicrosMax));
      });
    }
  }

  #onFrame(frame: Frame, payload: Uint8Array): void {
    this.#mayBeUnstable ||= (frame.flags & FrameFlag.unstable) !== 0;
    if (frame.type === FrameType.recall) this.recalls.onFrame(frame, payload);
    else if (frame.type === FrameType.recallLocks) this.locks.recalled(this.files.byNumber(frame.file));
    else if (frame.type === FrameType.recallGrowth) this.untold.onRecall(frame);
    else this.#onFileFrame(frame, payload);
  }

  #onFileFrame(frame: Frame, payload: Uint8Array): void {
    const file = this.#fileOf(frame);
    if (file === undefined) this.untold.onUnknown(frame);
    else file.onFrame(frame, payload);
  }

  /** Small control frames are taken as they come; pages of a file that is not known any more have to go somewhere. */
  #payloadAddress(frame: Frame): number {
    if (!carriesPages(frame.type)) return 0;
    const file = this.#fileOf(frame);
    return file?.receiver.payloadAddress(frame, file.frames.isReady) ?? payloadBuffer().address;
  }

  #fileOf(frame: Frame): NodeFile | undefined {
    return this.files.byNumber(frame.file)?.file;
  }
}
