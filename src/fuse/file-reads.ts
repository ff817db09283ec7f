import { type ByteOffset, type Micros, Mode, type PageIndex, pageAt, pageBytes, pageEndAt } from "../core/units.js";
import { nowMicros } from "../kernel/clock.js";
import { Errno } from "../kernel/errno.js";
import type { Pins } from "../node/pins.js";
import { errnoOf } from "./errno-of.js";
import type { MountFile } from "./mount-file.js";

/** A READ of the kernel. Exactly one of `data` and `fail` is called, once. */
export interface ReadRequest {
  readonly offset: ByteOffset;
  readonly byteLength: number;
  /** Linux id of the thread that reads; 0 when the kernel reads ahead for nobody in particular. */
  readonly thread: number;
  /** Whether the kernel caches the answer, and keeps its pages locked until it comes. */
  readonly isCached: boolean;
  /** Whether a request that is refused with EAGAIN comes again, page by page. */
  readonly mayComeAgain: boolean;
  /** Called when the thread was interrupted, or has waited for too long: it would rather have this errno than wait on. */
  onGiveUp: ((errno: number) => void) | undefined;
  /** The bytes: one piece of memory, or two, then zeros. They are read before this returns. */
  data(address: number, byteLength: number, nextAddress: number, nextLength: number, zeroLength: number): void;
  fail(errno: number): void;
}

/** A READ that came while the kernel was being told to drop its pages. */
interface Parked {
  readonly file: MountFile;
  readonly request: ReadRequest;
  readonly until: Micros;
}

/** A READ that waits for a token, for its pages, or for a write to them. */
interface Waiting {
  readonly file: MountFile;
  readonly request: ReadRequest;
  /** It waits no more. */
  readonly end: () => void;
}

/** For how long such a READ waits for that: a kernel that drops a page at all has done it by then. */
const parkMicros = 300;

/** Serves what the kernel reads out of the node's page cache, under tokens. */
export class FileReads {
  readonly #pins: Pins;
  readonly #wakeAt: (deadline: Micros) => void;
  readonly #waiting = new Set<Waiting>();
  #parked: Parked[] = [];

  constructor(pins: Pins, wakeAt: (deadline: Micros) => void) {
    this.#pins = pins;
    this.#wakeAt = wakeAt;
  }

  read(file: MountFile, request: ReadRequest): void {
    const start = pageAt(request.offset);
    const end = pageEndAt(request.offset + request.byteLength);
    file.file.lockedPages.used(start, end);
    if (request.isCached) {
      file.wasRead(start, end);
      // The notification may be waiting for the very pages that this request keeps locked, or be just about to succeed.
      if (file.kernel.isRecalled(start, end)) {
        file.kernel.forgetSince(start, end);
        return this.#park(file, request);
      }
      file.kernel.forget(start, end);
      file.tail.forget(start, end);
    }
    this.#serve(file, request);
  }

  /** The kernel has dropped pages of this file. */
  onDropped(file: MountFile): void {
    if (this.#parked.length === 0) return;
    const parked = this.#parked;
    this.#parked = [];
    for (const entry of parked) {
      if (entry.file === file) this.read(file, entry.request);
      else this.#parked.push(entry);
    }
  }

  /**
   * The file has been cut. The kernel keeps pages locked for what it reads behind the end, and cannot drop them before that
   * is answered; and nobody is granted a token there before it has dropped them.
   */
  onCut(file: MountFile): void {
    const end = pageEndAt(file.file.cache.sizeBytes);
    for (const waiting of [...this.#waiting]) {
      const { request } = waiting;
      if (waiting.file !== file || !request.isCached || pageAt(request.offset) < end) continue;
      waiting.end();
      this.#answer(file, request);
    }
    this.onTell(file, end);
  }

  /**
   * The kernel is being told a size, and needs pages from this one on, which it may keep locked for what it reads. A single page
   * comes under the hold that its size is told under; a longer request may wait for who waits for that hold. So it comes again,
   * page by page.
   */
  onTell(file: MountFile, from: PageIndex): void {
    for (const waiting of [...this.#waiting]) {
      const { request } = waiting;
      if (waiting.file !== file || !isRefusable(request, from)) continue;
      waiting.end();
      request.fail(Errno.EAGAIN);
    }
  }

  /** The home is away. What is here can be read all the same, which a program may be waiting for: page by page. */
  onDown(file: MountFile): void {
    this.onTell(file, 0);
  }

  /** @returns when to look again. */
  onTime(now: Micros): Micros {
    const parked = this.#parked;
    this.#parked = [];
    for (const entry of parked) {
      if (now < entry.until) this.#parked.push(entry);
      else this.#unblock(entry.file, entry.request);
    }
    return this.#parked.length === 0 ? Number.POSITIVE_INFINITY : this.#parked[0].until;
  }

  #park(file: MountFile, request: ReadRequest): void {
    const until = nowMicros() + parkMicros;
    this.#parked.push({ file, request, until });
    this.#wakeAt(until);
  }

  /**
   * The kernel cannot drop a page that this request keeps locked. So it is answered with what is still here, under a token
   * that is being given up at most, and asked to drop that once more. A request for more than is here (the kernel reads
   * ahead) is refused: it comes again page by page. One that goes on behind the end of the file is for more, too: it would
   * wait for tokens there, which others may want together with what is to be dropped.
   */
  #unblock(file: MountFile, request: ReadRequest): void {
    const start = pageAt(request.offset);
    const end = pageEndAt(request.offset + request.byteLength);
    const isHere = file.file.cache.nextUncached(start, end) >= Math.min(end, pageEndAt(file.file.cache.sizeBytes));
    if (isHere && file.holds(file.cacheMode, start, end) && !file.writing.touches(start, end))
      this.#answer(file, request);
    else if (request.mayComeAgain && end - start > 1) request.fail(Errno.EAGAIN);
    else this.#serve(file, request);
  }

  /**
   * The kernel caches zeros for what it asks beyond the end of the file: so that needs a token like the rest. Else somebody
   * could make the file longer, and write there, without anybody asking this kernel to forget its zeros.
   */
  #serve(file: MountFile, request: ReadRequest): void {
    const { cache, tokens, usable } = file.file;
    const start = pageAt(request.offset);
    const end = pageEndAt(request.offset + request.byteLength);
    const fileEnd = Math.min(end, pageEndAt(cache.sizeBytes));
    const mode = request.isCached ? file.cacheMode : Mode.read;
    const isHere = tokens.allows(mode, start, end) && cache.nextUncached(start, fileEnd) >= fileEnd;
    if (file.writing.touches(start, end)) this.#waitForWrites(file, request, start, end);
    else if (isHere && usable.is) this.#answer(file, request);
    else this.#wait(file, request, mode, end);
  }

  #waitForWrites(file: MountFile, request: ReadRequest, start: number, end: number): void {
    const waiting = this.#begin(file, request, () => cancel());
    const cancel = file.writing.whenClear(start, end, () => {
      waiting.end();
      this.read(file, request); // As if it came now: its page may be asked back by this time.
    });
  }

  #wait(file: MountFile, request: ReadRequest, mode: Mode, end: number): void {
    const { isReady } = file.file.frames;
    if (isRefusable(request, isReady ? file.tellingFrom : 0)) return request.fail(Errno.EAGAIN);
    const pin = this.#pins.next();
    const since = nowMicros();
    const waiting = this.#begin(file, request, () => this.#pins.unpin(file.file, pin));
    const onPinned = () => {
      this.#waiting.delete(waiting);
      request.onGiveUp = undefined;
      this.#serve(file, request); // The size may have changed, or the file been opened for writing.
      // Through a map it may load from it, or store to it, many times now: R10.
      this.#pins.unpin(file.file, pin, request.isCached ? since : undefined);
    };
    this.#pins.pin(file.file, pin, { mode, start: pageAt(request.offset), end, kind: "hold" }, onPinned, (error) => {
      waiting.end();
      request.fail(errnoOf(error));
    });
  }

  #begin(file: MountFile, request: ReadRequest, cancel: () => void): Waiting {
    const end = () => {
      this.#waiting.delete(waiting);
      request.onGiveUp = undefined;
      cancel();
    };
    const waiting = { file, request, end };
    this.#waiting.add(waiting);
    request.onGiveUp = (errno) => {
      end();
      request.fail(errno);
    };
    return waiting;
  }

  /**
   * Ends where the file ends; but what the kernel caches is answered in full, with zeros (R7): it would take a shorter answer
   * for news of the file's size, and those come by KernelSizes alone.
   */
  #answer(file: MountFile, request: ReadRequest): void {
    const { cache } = file.file;
    const { offset, isCached } = request;
    const page = pageAt(offset);
    if (isCached) {
      file.kernel.giveRead(page, pageEndAt(offset + request.byteLength), request.thread);
    }
    const fileEnd = isCached ? pageEndAt(cache.sizeBytes) * pageBytes : cache.sizeBytes;
    const byteLength = Math.max(0, Math.min(request.byteLength, fileEnd - offset));
    const behind = isCached ? request.byteLength - byteLength : 0;
    if (byteLength === 0) return request.data(0, 0, 0, 0, behind);
    const inWindow = Math.min(byteLength, (cache.contiguousEnd(page) - page) * pageBytes - (offset - page * pageBytes));
    const rest = byteLength - inWindow;
    const address = cache.aliasAddress(page) + (offset - page * pageBytes);
    const nextAddress = rest > 0 ? cache.aliasAddress(pageAt(offset + inWindow)) : 0;
    request.data(address, inWindow, nextAddress, rest, behind);
  }
}

/** Whether the kernel keeps pages from `from` on locked for this request, and would ask for each by itself. */
function isRefusable({ offset, byteLength, mayComeAgain }: ReadRequest, from: PageIndex): boolean {
  const end = pageEndAt(offset + byteLength);
  return mayComeAgain && end - pageAt(offset) > 1 && end > from;
}
