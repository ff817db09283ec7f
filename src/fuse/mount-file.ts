import {
  type ByteOffset,
  type Micros,
  Mode,
  type PageIndex,
  pageAt,
  pageBytes,
  pageEndAt,
  pageMax,
} from "../core/units.js";
import { nowMicros } from "../kernel/clock.js";
import { askForSize, type SizeAsk } from "../node/asked-sizes.js";
import type { HomeRequests } from "../node/home-requests.js";
import type { NodeFile } from "../node/node-file.js";
import type { OpenFile } from "../node/open-files.js";
import type { UpperCache } from "../node/upper-cache.js";
import { AttributesBehind, type AttributesBehindNode } from "./attributes-behind.js";
import { DropWaits } from "./drop-waits.js";
import { ExposedTail } from "./exposed-tail.js";
import { type DropPages, KernelPages } from "./kernel-pages.js";
import { Sharing } from "./sharing.js";
import { StoredTimes, type StoredTimesNode } from "./stored-times.js";
import { WriteBehind } from "./write-behind.js";
import { WritesUnderWay } from "./writes-under-way.js";

/** For how long a change of the size waits here for the kernel, whatever that waits for itself. */
const resizeMicrosMax = 500_000;

/** For how long an unlock waits for the kernel, which may wait for others itself. */
const flushMicrosMax = 200_000;
/** For how long an answer waits for a question of the kernel, which may wait for that: for a page that it keeps locked until then. */
const askMicrosMax = 200_000;
/** For how long a write waits for the kernel to drop what may lack it. */
const dropLackingMicrosMax = 20_000;
/** For how long a write of whole pages waits for the kernel to drop them: one that drops a page at all has done it by then. */
const dropFirstMicrosMax = 1000;
/**
 * A page that was given to a reader while the kernel was told to drop it may be there or not. Another reader, who has waited for the
 * page, asks for it now: then it is not. If he came while the kernel is told again, he would have to be given it, again and again.
 */
const restMicros = 100;
/** So often in a row a flush that brought nothing is repeated: then no program stores to a map of the file. */
const quietFlushesMax = 8;
/** So many writes are not dropped ahead of their unlock after one was that a program then read. */
const aheadRest = 32;

/** Has the kernel know about sizes. */
export interface SizeSink {
  /** Calls `done` when the kernel lives by the new size. */
  onResize(file: MountFile, from: ByteOffset, to: ByteOffset, done: () => void): void;
  /** Calls `then` when the kernel knows the size. */
  settle(file: MountFile, then: () => void): void;
  /** A program of this mount writes, while the kernel is being told a size. */
  onWrite(file: MountFile): void;
}

/** What a file asks of the node that it is on. */
export interface MountFileNode extends StoredTimesNode, AttributesBehindNode {
  readonly requests: HomeRequests;
  /** Sends what is dirty on the node, of whatever file, ahead of what is sent next. */
  sendDirty(): void;
  /** Has `onTime` called then. */
  wakeAt(at: Micros): void;
}

/**
 * One file of a mount: what the kernel has of it, above what this node has. What the kernel caches, the node caches too; what
 * the node caches, it holds a token for. So a token is given up from the top: first the kernel drops its pages.
 */
export class MountFile implements UpperCache {
  readonly inode: number;
  readonly open: OpenFile;
  readonly kernel: KernelPages;
  readonly writing = new WritesUnderWay();
  readonly tail = new ExposedTail();
  readonly sharing = new Sharing();
  readonly times: StoredTimes;
  readonly attributes: AttributesBehind;
  /**
   * Whether programs of this mount have it open for writing. From then on whatever the kernel caches needs a write token,
   * since a store to a shared map of it asks nobody (R14).
   */
  isWriteOpen = false;
  /** The size as the kernel knows it; -1 when that is not known. */
  shownBytes: ByteOffset = -1;
  /**
   * Linux id of the thread whose request made the kernel know that size; -1: the kernel is sure to know it. It takes note when
   * that thread runs again, some time after the answer:
   *
   * 1. A write that makes the file longer is answered. 2. Another program asks for the size, and is shown what it is by now. 3. It
   * loads the last byte from a map: SIGBUS, as the writer's thread has not run yet.
   */
  sizeThread = -1;
  /** The kernel is being told a size, for which it may need to lock pages from here on; Infinity when it is not. */
  tellingFrom: PageIndex = Number.POSITIVE_INFINITY;
  /** A prober waits for the inode's lock, or has it: it takes no size home before a write that has the lock is answered. */
  isAskedLocked = false;
  /** SETATTRs of the size that the kernel waits for: it lets no page of the file be written meanwhile, and takes no size. */
  #resizing = 0;
  /** Until then the kernel is told to drop nothing; Infinity when it is. */
  #restUntil: Micros = Number.POSITIVE_INFINITY;
  /** The kernel is being told sizes though programs might write at the same time, if nobody kept them from it. */
  #asks = 0;
  readonly #sizes: SizeSink;
  readonly #waits: DropWaits;
  readonly #behind: WriteBehind;
  readonly #node: MountFileNode;
  #quietFlushes = 0;
  #hasMappedStores = false;
  /** The pages that were dropped ahead of an unlock; none when they are the same. */
  #aheadStart: PageIndex = 0;
  #aheadEnd: PageIndex = 0;
  #aheadRest = 0;
  #resizeWaiter: { done: () => void; until: Micros } | undefined;

  constructor(inode: number, open: OpenFile, drop: DropPages, sizes: SizeSink, node: MountFileNode) {
    this.#sizes = sizes;
    this.#node = node;
    const term = () => (open.file.mayGrow ? open.file.frames.growth.term : undefined);
    this.times = new StoredTimes(node, () => term() !== undefined);
    this.attributes = new AttributesBehind(open.file.name, node, term);
    this.#waits = new DropWaits((at) => node.wakeAt(at));
    this.inode = inode;
    this.open = open;
    this.kernel = new KernelPages(drop);
    const { writes } = open.file;
    this.#behind = new WriteBehind({
      send: (start, end) => writes.sendAhead(start, end),
      sync: (onDone) => writes.sync(onDone), // Whoever asks for a sync hears whether that succeeds.
    });
    open.file.upperCache = this;
    open.file.frames.onPagesSent = () => node.outdated();
  }

  get file(): NodeFile {
    return this.open.file;
  }

  /** A program has written [start, end), or the kernel stores of a shared map. */
  wrote(start: ByteOffset, end: ByteOffset): void {
    this.#behind.wrote(start, end);
    this.times.changed();
  }

  /** The token without which the kernel may not be given a page to cache. */
  get cacheMode(): Mode {
    return this.isWriteOpen ? Mode.write : Mode.read;
  }

  /** Whether its attributes change only by what this mount, or the home, asks for: not by stores, nor by sending them. */
  get isStable(): boolean {
    return !this.isWriteOpen && !this.times.isPending && this.file.cache.dirtyPages === 0;
  }

  /** Whether the token is held for each page, even if it is being given up. */
  holds(mode: Mode, start: PageIndex, end: PageIndex): boolean {
    for (let page = start; page < end; page++) if (this.file.tokens.modeAt(page) < mode) return false;
    return true;
  }

  recall(mode: Mode, start: PageIndex, end: PageIndex): boolean {
    this.sharing.seen();
    if (mode === Mode.read && !this.isWriteOpen) return true;
    if (!this.#drop(start, end) || this.writing.touches(start, end)) return false;
    // Under a lock, what is stored to a map speaks of what was written before it, as the index of a log does.
    if (this.#hasMappedStores && this.file.lockedPages.isLocked) this.#node.sendDirty();
    return true;
  }

  /**
   * The size has changed: the node that asked for that hears of it when the kernels of all mounts live by it. A kernel that is
   * busy with a request which waits for that node in turn is not waited for long.
   */
  resize(fromBytes: ByteOffset, toBytes: ByteOffset, done: () => void): void {
    this.#endWait();
    const waiter = { done, until: nowMicros() + resizeMicrosMax };
    this.#resizeWaiter = waiter;
    this.#node.wakeAt(waiter.until);
    this.#sizes.onResize(this, fromBytes, toBytes, () => {
      if (this.#resizeWaiter === waiter) this.#endWait();
    });
  }

  /**
   * The kernel says nothing of stores to shared maps before it has to: so it is told to drop the pages, those that were
   * stored to are written first. Where that brings nothing for some times, nobody stores that way.
   */
  flush(done: () => void): void {
    if (!this.isWriteOpen || this.kernel.isEmpty || this.#quietFlushes >= quietFlushesMax) return done();
    this.#quietFlushes++;
    this.drop(0, pageMax, done);
  }

  /**
   * A program has written these under a lock that they leave with: the kernel drops them while the program comes to its unlock,
   * which mostly follows. A program that reads them once more before costs a question; then this rests for a while.
   */
  dropAhead(start: PageIndex, end: PageIndex): void {
    if (!this.file.lockedPages.isLocked) return;
    if (this.#aheadRest > 0) {
      this.#aheadRest--;
      return;
    }
    for (const leaving of this.file.lockedPages.leaving()) {
      if (leaving.start >= end || leaving.end <= start) continue;
      [this.#aheadStart, this.#aheadEnd] = [leaving.start, leaving.end];
      this.#drop(leaving.start, leaving.end);
    }
  }

  /** The kernel asks for these. */
  wasRead(start: PageIndex, end: PageIndex): void {
    if (this.#aheadStart >= end || this.#aheadEnd <= start) return;
    this.#aheadEnd = this.#aheadStart;
    this.#aheadRest = aheadRest;
  }

  drop(start: PageIndex, end: PageIndex, done: () => void): void {
    this.#aheadEnd = this.#aheadStart;
    this.#waits.until(() => this.#drop(start, end), flushMicrosMax, done);
  }

  /** Of stores last: a program that has set the time since has had them forgotten. */
  tellChanges(done: () => void): void {
    if (this.attributes.isTelling) return done(); // What the home is to hear before it hears of these.
    this.attributes.tell();
    this.times.tell();
    this.attributes.whenConfirmed(done);
  }

  /** Has the kernel drop what may lack the bytes that this thread has written: see RereadPages. They are here by now. */
  dropLacking(start: PageIndex, end: PageIndex, thread: number, done: () => void): void {
    const { reread } = this.kernel;
    reread.taken(start, end);
    const isDone = () => !reread.mayLack(start, end, thread) || this.#drop(start, end);
    this.#waits.until(isDone, dropLackingMicrosMax, () => {
      reread.taken(0, 0);
      done();
    });
  }

  /** Calls `then` when the kernel is not being told to drop any of these. */
  whenNotRecalled(start: PageIndex, end: PageIndex, then: () => void): void {
    this.#waits.until(() => !this.kernel.isRecalled(start, end), dropFirstMicrosMax, then);
  }

  /** The kernel has written down a store to a shared map. */
  sawMappedStore(): void {
    this.#hasMappedStores = true;
    this.#quietFlushes = 0;
  }

  /** This thread has an answer that makes the kernel take the file to be at least as long as this. */
  answeredUpTo(end: ByteOffset, thread: number): void {
    if (end > this.shownBytes) this.sizeThread = thread;
    this.shownBytes = Math.max(this.shownBytes, end);
    this.settle(() => undefined);
  }

  /** A program writes: from now on it has the inode's lock, until it is answered. */
  onWrite(): void {
    if (this.tellingFrom < Number.POSITIVE_INFINITY) this.#sizes.onWrite(this);
  }

  /** Calls `then` when the kernel knows the size. */
  settle(then: () => void): void {
    if (this.shownBytes === this.file.cache.sizeBytes) then();
    else this.#sizes.settle(this, then);
  }

  /** The home may have changed something of it on behalf of this mount. */
  outdated(): void {
    this.#node.outdated();
  }

  /** Asks the home for a size: with that, it decides about sizes from then on, and may leave longer ones to this node in its answer. */
  askForSize({ onReply, onFail, ...ask }: SizeAsk): void {
    const { growth } = this.file.frames;
    let question = {};
    askForSize(this.#node.requests, this.file, {
      ...ask,
      onSend: () => {
        this.file.frames.tellGrowth();
        question = growth.asked(ask.size);
      },
      onReply: (answer) => {
        growth.answered(question, Math.min(ask.size, answer.size), answer.growsHere === true);
        onReply(answer);
      },
      onFail: (error) => {
        growth.refused(question);
        onFail(error);
      },
    });
  }

  /** Around a question of the kernel for the size that is under no lock: see KernelSizes. */
  beginAsk(): void {
    this.#asks++;
  }

  endAsk(): void {
    this.#asks--;
    if (this.#asks === 0) this.#waits.dropped();
  }

  /** Calls `act`, by whose answer a program may begin to write, when there is none. */
  whenNotAsked(act: () => void): void {
    if (this.#asks === 0) act();
    else this.#waits.until(() => this.#asks === 0, askMicrosMax, act);
  }

  get isResizing(): boolean {
    return this.#resizing > 0;
  }

  /** Around a SETATTR of the size. */
  beginResize(): void {
    this.#resizing++;
  }

  /** What was to be dropped meanwhile is so now. */
  endResize(): void {
    this.#resizing--;
    this.#lookAgain(nowMicros());
  }

  /** Calls `action` when the kernel has none of the range: now, or after it was told to drop it. */
  whenDropped(start: PageIndex, end: PageIndex, action: () => void): void {
    if (this.#drop(start, end)) action();
    else this.#waits.add(() => this.whenDropped(start, end, action));
  }

  /** Stores of programs behind the former end of the file, in its last page, do not become part of it (R7). */
  dropTail(from: ByteOffset, then: () => void): void {
    if (from % pageBytes === 0) then();
    else this.whenDropped(pageAt(from), pageEndAt(from), then);
  }

  /** The kernel has done what a recall asked. */
  onDropped(recall: number): void {
    const mayHave = this.kernel.onDropped(recall);
    const now = nowMicros();
    if (mayHave) {
      this.#restUntil = now + restMicros;
      this.#node.wakeAt(this.#restUntil);
    }
    this.#lookAgain(now);
  }

  /** Whether the kernel has pages, or may be told to drop them, is no more as it was. */
  #lookAgain(now: Micros): void {
    this.file.onTime(now);
    this.#waits.dropped();
  }

  /** The kernel has forgotten the inode, or the mount is gone: and with it all that the kernel had. */
  onForgotten(): void {
    this.times.tell();
    this.kernel.forget(0, pageMax);
    this.#lookAgain(nowMicros());
  }

  /** One line, for people who look at a mount that is stuck. */
  describe(): string {
    return `${this.file.name} ${this.isWriteOpen ? "for writing" : "for reading"}, ${this.file.tokens.describe()}; kernel ${this.kernel.describe()}`;
  }

  /** @returns when to look again. */
  onTime(now: Micros): Micros {
    if (now >= this.#restUntil) {
      this.#restUntil = Number.POSITIVE_INFINITY;
      this.#lookAgain(now);
    }
    if (now >= (this.#resizeWaiter?.until ?? Number.POSITIVE_INFINITY)) this.#endWait();
    if (now >= Math.min(this.times.tellAt, this.attributes.tellAt)) this.tellChanges(() => undefined);
    const resizeAt = this.#resizeWaiter?.until ?? Number.POSITIVE_INFINITY;
    return Math.min(resizeAt, this.times.tellAt, this.attributes.tellAt, this.#restUntil, this.#waits.onTime(now));
  }

  #endWait(): void {
    const waiter = this.#resizeWaiter;
    this.#resizeWaiter = undefined;
    waiter?.done();
  }

  #drop(start: PageIndex, end: PageIndex): boolean {
    if (this.#resizing > 0 || this.#restUntil < Number.POSITIVE_INFINITY) return !this.kernel.has(start, end);
    return this.kernel.recall(start, end);
  }
}
