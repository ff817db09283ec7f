import type { DmmapError } from "../core/error.js";
import { fileBytesMax, Mode, type PageIndex, pageAt, pageBytes, pageEndAt, pageMax } from "../core/units.js";
import { nowMicros } from "../kernel/clock.js";
import { Errno } from "../kernel/errno.js";
import { overwrite } from "../node/file-bytes.js";
import type { Node } from "../node/node.js";
import { errnoOf } from "./errno-of.js";
import type { MountFile } from "./mount-file.js";
import { syncHandle } from "./sync-handle.js";
import type { WaitingRequests } from "./waiting-requests.js";
import type { WriteRequest } from "./write-request.js";

/** Takes what the kernel writes into the node's page cache, under write tokens. */
export class FileWrites {
  readonly #node: Node;
  readonly #waiting: WaitingRequests;
  /** Of those that make a file longer just now, what ends that: see `WritesUnderWay`. */
  readonly #ends = new Map<WriteRequest, () => void>();

  constructor(node: Node, waiting: WaitingRequests) {
    this.#node = node;
    this.#waiting = waiting;
  }

  write(file: MountFile, request: WriteRequest): void {
    if (request.isFlush) return this.#flush(file, request);
    file.onWrite();
    if (request.isAppend && !request.isCached) return this.#append(file, request);
    const start = pageAt(request.offset);
    const end = pageEndAt(request.offset + request.byteLength);
    file.file.lockedPages.used(start, end);
    if (request.isCached && isWhole(request) && file.kernel.isRecalled(start, end)) return this.#letDrop(file, request);
    // What the kernel has, may be written: that is what its pages stand for, even while it is told to drop them.
    if (request.isCached && file.kernel.has(start, end)) return this.#writeCached(file, request);
    if (request.isCached) this.#place(file, request);
    else this.#whenDropped(file, request);
  }

  /**
   * With each whole page that it writes, the kernel has the page once more: who writes all the time would never let it go. Linux
   * before 5.12 keeps the page locked meanwhile, so that it cannot be dropped: then it has waited in vain.
   */
  #letDrop(file: MountFile, request: WriteRequest): void {
    request.keep();
    const [start, end] = [pageAt(request.offset), pageEndAt(request.offset + request.byteLength)];
    file.whenNotRecalled(start, end, () => {
      if (file.kernel.has(start, end)) this.#writeCached(file, request);
      else this.#place(file, request);
    });
  }

  /** Past the kernel's cache: it must not go on showing what it has of this range. */
  #whenDropped(file: MountFile, request: WriteRequest, then = () => this.#place(file, request)): void {
    if (!mustDrop(file, request)) return then();
    request.keep();
    const [start, end] = [pageAt(request.offset), pageEndAt(request.offset + request.byteLength)];
    // The kernel may keep just these locked for a write that was moved: then they are not up to date, and it shows none of them.
    if (request.isMoved) file.drop(start, end, then);
    else file.whenDropped(start, end, then);
  }

  /** Stores that have happened already, under a token that is held here: at once, whatever is being asked for. */
  #flush(file: MountFile, request: WriteRequest): void {
    const { cache } = file.file;
    file.sawMappedStore();
    const end = Math.min(request.offset + request.byteLength, cache.sizeBytes);
    const byteLength = end - request.offset;
    if (byteLength <= 0) return request.written(); // Cut off meanwhile.
    const [first, last] = [pageAt(request.offset), pageEndAt(end)];
    file.tail.clean(request.offset, byteLength, request.address());
    if (file.holds(Mode.write, first, last) && cache.nextUncached(first, last) === last) {
      return this.#take(file, request, byteLength);
    }
    // Only after the session was lost: what was stored under its tokens cannot be kept (R15).
    this.#node.reportLost(file.open, first, last);
    request.fail(Errno.EIO);
  }

  /**
   * A write to a page that the kernel has, and mostly keeps locked until the answer. The token for it is here, and stays until
   * the kernel has dropped the page, which it may not be able to do before: so this must not wait for a token that is being
   * given up. Where it can (the page was up to date before), the token stays all the same while the file is made longer.
   */
  #writeCached(file: MountFile, request: WriteRequest, freshFrom = pageEndAt(file.file.cache.sizeBytes)): void {
    const { cache } = file.file;
    const writeEnd = request.offset + request.byteLength;
    const isHeld = file.holds(Mode.write, pageAt(request.offset), pageEndAt(writeEnd));
    if (isHeld && isElsewhere(file, request)) this.#move(file, request);
    else if (isHeld && writeEnd > cache.sizeBytes) {
      request.keep();
      request.isAtEnd = true;
      this.#extend(
        file,
        request,
        () => this.#writeCached(file, request, freshFrom),
        () => undefined,
      );
    } else if (isHeld && mayTake(file, request, freshFrom)) this.#take(file, request, request.byteLength);
    else this.#place(file, request);
  }

  /**
   * At the file's end, wherever that is by then. Nobody else appends who has not got the token for the page in which the file
   * ends; but for that many may wait, and have to look where the end is each time. So those that can take turns first.
   */
  #append(file: MountFile, request: WriteRequest): void {
    request.keep();
    this.#pinned(file, request, pageMax - 1, pageMax, "token", (unpin) => {
      request.whenDone(unpin);
      this.#moveToEnd(file, request);
    });
  }

  /** Somebody else has appended since its place was chosen. */
  #move(file: MountFile, request: WriteRequest): void {
    if (request.isCached) this.#moveOut(file, request);
    else this.#moveToEnd(file, request);
  }

  #moveToEnd(file: MountFile, request: WriteRequest): void {
    request.offset = file.file.cache.sizeBytes;
    if (request.offset + request.byteLength > fileBytesMax) request.fail(Errno.EFBIG);
    else this.#whenDropped(file, request);
  }

  /**
   * An append through the kernel's cache, to where the file does not end any more. What the kernel has of it there, it must not
   * show: those pages that are up to date it drops, and it does not keep them locked. Of the last one, which it may keep locked
   * until the answer, it takes no more then than a part that was written, and asks for it when somebody reads.
   */
  #moveOut(file: MountFile, request: WriteRequest): void {
    const { offset, byteLength } = request;
    request.keep();
    const [start, end] = [pageEndAt(offset), pageAt(offset + byteLength)];
    if (start < end) file.kernel.give(start, end);
    request.isMoved = true;
    file.drop(pageAt(offset), pageEndAt(offset + byteLength), () => {
      request.isCached = false;
      this.#moveToEnd(file, request);
    });
  }

  /** Takes the bytes as soon as the pages are here, and the file is long enough. */
  #place(file: MountFile, request: WriteRequest): void {
    const { cache, tokens, usable } = file.file;
    const writeEnd = request.offset + request.byteLength;
    const start = pageAt(request.offset);
    const end = pageEndAt(writeEnd);
    const fits = writeEnd <= cache.sizeBytes;
    this.#end(request); // What waits for a token keeps none.
    if (isElsewhere(file, request)) return this.#move(file, request);
    if (fits && usable.is && tokens.allows(Mode.write, start, end) && mayTake(file, request, end)) {
      return this.#take(file, request, request.byteLength);
    }
    request.keep();
    const kind = fits && isWhole(request) && !file.file.receiver.isArriving(start, end) ? "token" : "hold";
    this.#pinned(file, request, start, end, kind, (unpin) =>
      // The kernel may have been given pages again meanwhile.
      this.#whenDropped(file, request, () => {
        if (isElsewhere(file, request)) {
          unpin();
          return this.#move(file, request);
        }
        request.isAtEnd = true;
        // With the token held, what lies beyond the end of the file is zeros, and stays so while the file grows.
        const freshFrom = pageEndAt(cache.sizeBytes);
        if (writeEnd <= cache.sizeBytes) this.#takePinned(file, request, freshFrom, unpin);
        else this.#extend(file, request, () => this.#takePinned(file, request, freshFrom, unpin), unpin);
      }),
    );
  }

  #takePinned(file: MountFile, request: WriteRequest, freshFrom: PageIndex, unpin: () => void): void {
    const isDropped = request.isMoved || !mustDrop(file, request);
    const fits = request.offset + request.byteLength <= file.file.cache.sizeBytes && isDropped;
    if (fits && file.file.usable.is && mayTake(file, request, freshFrom)) this.#take(file, request, request.byteLength);
    else this.#place(file, request); // The file was cut meanwhile, or the session lost, or pages are on their way.
    unpin();
  }

  #take(file: MountFile, request: WriteRequest, byteLength: number): void {
    overwrite(file.file.cache, request.offset, request.address(), byteLength);
    file.wrote(request.offset, request.offset + byteLength);
    if (request.isCached && request.isWaitedFor && isWhole(request)) {
      this.#give(file, pageAt(request.offset), pageEndAt(request.offset + byteLength));
    }
    this.#end(request); // What the kernel has of it counts as such by now: nobody is given the token before that is dropped.
    if (request.isFlush) return request.written();
    const [start, end] = [pageAt(request.offset), pageEndAt(request.offset + byteLength)];
    const mayLack = request.isCached && file.kernel.reread.mayLack(start, end, request.thread);
    if (mayLack && request.isWaitedFor) {
      request.keep();
      file.dropLacking(start, end, request.thread, () => this.#taken(file, request, byteLength));
    } else {
      if (mayLack) file.drop(start, end, () => undefined); // Another write may be under way by now.
      this.#taken(file, request, byteLength);
    }
  }

  #taken(file: MountFile, request: WriteRequest, byteLength: number): void {
    if (request.syncFor === undefined || !request.isWaitedFor) return this.#answer(file, request, byteLength);
    request.keep();
    request.done(); // Who appends next need not wait for the home's disk.
    request.onGiveUp = (errno) => request.fail(errno);
    syncHandle(this.#node, request.syncFor, (errno) => {
      if (errno === 0) return this.#answer(file, request, byteLength);
      request.fail(errno);
      file.settle(() => undefined); // The file may have become longer.
    });
  }

  #answer(file: MountFile, request: WriteRequest, byteLength: number): void {
    const { isWaitedFor } = request;
    // Where others have appended meanwhile, the kernel cannot work out the new end of the file by itself.
    const isPastCache = !request.isCached && !request.isMoved;
    if (isPastCache && request.isAppend && request.knownEnd < request.offset + byteLength) {
      return this.#tellAppended(file, request);
    }
    request.written();
    if (isWaitedFor) {
      file.kernel.onWritten();
      file.answeredUpTo(request.knownEnd, request.thread);
    } else file.settle(() => undefined);
    if (request.isCached) file.dropAhead(pageAt(request.offset), pageEndAt(request.offset + byteLength));
  }

  /**
   * The kernel has the whole pages that it writes. A page of which it writes a part it has only if it was given it before: if
   * not, it asks for it when somebody reads. And it may have dropped them before the answer:
   *
   * 1. A page that was up to date is written to: the kernel does not keep it locked, and is told to drop it. 2. A program reads
   * there: the kernel asks for some pages, and keeps them locked. 3. If the page counted as given once more, the kernel would be
   * told again to drop it, and waited for; it waits for the answer to that READ, and this for a token for which others wait.
   */
  #give(file: MountFile, start: PageIndex, end: PageIndex): void {
    for (let page = start; page < end; page++) {
      if (!this.#waiting.isRead(file.inode, page)) file.kernel.give(page, page + 1);
    }
  }

  /** Nobody reads what is to be written, nor is its token given up, until `#end`. */
  #begin(file: MountFile, request: WriteRequest): void {
    const end = file.writing.begin(request.offset, request.offset + request.byteLength);
    this.#ends.set(request, () => {
      end();
      file.file.onTime(nowMicros()); // Somebody may have waited for the token.
    });
    request.whenDone(() => this.#end(request));
  }

  #end(request: WriteRequest): void {
    const end = this.#ends.get(request);
    this.#ends.delete(request);
    end?.();
  }

  /**
   * Not where that waits for this write. Then it comes right after, and whoever asks for the size meanwhile waits for it: where its
   * record is, the program that has appended it cannot know without.
   */
  #tellAppended(file: MountFile, request: WriteRequest): void {
    request.keep();
    if (file.isAskedLocked) request.written();
    else file.settle(() => request.written());
  }

  /**
   * One that nobody waits for any more is not begun. Once the home may have made the file longer, its bytes are written all the
   * same: else the file would end in zeros that nobody wrote.
   */
  #extend(file: MountFile, request: WriteRequest, onExtended: () => void, unpin: () => void): void {
    this.#begin(file, request);
    request.onGiveUp = (errno) => request.giveUp(errno);
    const size = request.offset + request.byteLength;
    const goOn = () => {
      request.onGiveUp = undefined;
      onExtended();
    };
    if (file.file.mayGrow) {
      file.file.grow(size);
      return goOn();
    }
    file.askForSize({
      op: "extend",
      size,
      isWanted: (wasSent) => wasSent || request.isWaitedFor,
      onReply: goOn,
      onFail: (error) => {
        unpin();
        request.fail(errnoOf(error));
      },
    });
  }

  #pinned(
    file: MountFile,
    request: WriteRequest,
    start: PageIndex,
    end: PageIndex,
    kind: "hold" | "token",
    act: (unpin: () => void) => void,
  ): void {
    const { pins } = this.#node;
    const pin = pins.next();
    request.onGiveUp = (errno) => {
      pins.unpin(file.file, pin);
      request.fail(errno);
    };
    const onPinned = () => {
      request.onGiveUp = undefined;
      act(() => pins.unpin(file.file, pin));
    };
    const onFailed = (error: DmmapError) => {
      request.onGiveUp = undefined;
      request.fail(errnoOf(error));
    };
    const isUrgent = keepsFromDropping(file, request);
    pins.pin(file.file, pin, { mode: Mode.write, start, end, kind, isUrgent }, onPinned, onFailed);
  }
}

/** Whether the request replaces every page that it touches. */
function isWhole({ offset, byteLength }: WriteRequest): boolean {
  return offset % pageBytes === 0 && byteLength % pageBytes === 0;
}

/** Whether it is an append that is not to go where it would go. */
function isElsewhere({ file }: MountFile, { isAppend, isAtEnd, offset }: WriteRequest): boolean {
  return isAppend && !isAtEnd && offset !== file.cache.sizeBytes;
}

/**
 * Whether the kernel may keep a page locked for it that it was given before. It may have dropped that by itself, as it does for
 * what is written past its cache: so the page is not up to date, and stays locked until the answer. When it is asked back:
 *
 * 1. The kernel is told to drop the page, waits for its lock, and so for the answer. 2. The token stays here as long. 3. What the
 * write needs itself, the same page perhaps, it would get behind whoever waits for that token.
 */
function keepsFromDropping(file: MountFile, { isCached, isMoved, knownEnd, byteLength }: WriteRequest): boolean {
  return (isCached || isMoved) && file.kernel.has(pageAt(knownEnd - byteLength), pageEndAt(knownEnd));
}

/** Whether the kernel has pages that it must not go on showing. */
function mustDrop(file: MountFile, request: WriteRequest): boolean {
  const { offset, byteLength, isCached } = request;
  return !isCached && file.kernel.has(pageAt(offset), pageEndAt(offset + byteLength));
}

/** Whether every page is here, or is replaced as a whole, or comes after the former end of the file. */
function mayTake({ file }: MountFile, request: WriteRequest, freshFrom: PageIndex): boolean {
  const start = pageAt(request.offset);
  const end = pageEndAt(request.offset + request.byteLength);
  const missing = file.cache.nextUncached(start, end);
  if (missing === end) return true;
  return !file.receiver.isArriving(start, end) && (missing >= freshFrom || isWhole(request));
}
