import { type ByteOffset, Mode, type PageIndex, pageAt, pageBytes, pageEndAt, pageMax } from "../core/units.js";
import { Errno } from "../kernel/errno.js";
import { copyIn } from "../node/file-bytes.js";
import type { Node } from "../node/node.js";
import { errnoOf } from "./errno-of.js";
import type { MountFile } from "./mount-file.js";

/** A WRITE of the kernel. Exactly one of `written` and `fail` is called, once. */
export interface WriteRequest {
  /** Where to write; where it was written, after an append. */
  offset: ByteOffset;
  readonly byteLength: number;
  /** Whether the kernel has these bytes in its cache too, and keeps the page locked until the answer. */
  readonly isCached: boolean;
  /** Whether these are stores to shared maps, which the kernel now writes down: they have happened already. */
  readonly isFlush: boolean;
  readonly isAppend: boolean;
  /** What the kernel takes for the file's end, at least, when it has the answer. */
  readonly knownEnd: ByteOffset;
  onGiveUp: ((errno: number) => void) | undefined;
  /** Called with the answer. */
  onDone: (() => void) | undefined;
  /** The bytes, until the call that brought the request returns; after `keep`, until the answer. */
  address(): number;
  /** The answer will come later. */
  keep(): void;
  written(): void;
  fail(errno: number): void;
}

/** Takes what the kernel writes into the node's page cache, under write tokens. */
export class FileWrites {
  readonly #node: Node;

  constructor(node: Node) {
    this.#node = node;
  }

  write(file: MountFile, request: WriteRequest): void {
    if (request.isFlush) return this.#flush(file, request);
    if (request.isAppend) return this.#append(file, request);
    const start = pageAt(request.offset);
    const end = pageEndAt(request.offset + request.byteLength);
    file.file.lockedPages.used(start, end);
    // What the kernel has, may be written: that is what its pages stand for, even while it is told to drop them.
    if (request.isCached && file.kernel.has(start, end)) return this.#writeCached(file, request);
    if (request.isCached) this.#place(file, request);
    else this.#whenDropped(file, request);
  }

  /** Past the kernel's cache: it must not go on showing what it has of this range. */
  #whenDropped(file: MountFile, request: WriteRequest): void {
    const start = pageAt(request.offset);
    const end = pageEndAt(request.offset + request.byteLength);
    if (file.kernel.has(start, end)) request.keep();
    file.whenDropped(start, end, () => this.#place(file, request));
  }

  /** Stores that have happened already, under a token that is held here: at once, whatever is being asked for. */
  #flush(file: MountFile, request: WriteRequest): void {
    const { cache } = file.file;
    file.sawMappedStore();
    const end = Math.min(request.offset + request.byteLength, cache.sizeBytes);
    const byteLength = end - request.offset;
    if (byteLength <= 0) return request.written(); // Cut off meanwhile.
    const [first, last] = [pageAt(request.offset), pageEndAt(end)];
    if (file.holds(Mode.write, first, last) && cache.nextUncached(first, last) === last) {
      return this.#take(file, request, byteLength);
    }
    // Only after the session was lost: what was stored under its tokens cannot be kept (R15).
    this.#node.reportLost(file.open, first, last);
    request.fail(Errno.EIO);
  }

  /**
   * A write to a page that the kernel has, and keeps locked until the answer. The token for it is here, and stays until the
   * kernel has dropped the page, which it cannot do before: so this must not wait for a token that is being given up.
   */
  #writeCached(file: MountFile, request: WriteRequest): void {
    const { cache } = file.file;
    const writeEnd = request.offset + request.byteLength;
    const [first, last] = [pageAt(request.offset), pageEndAt(writeEnd)];
    if (!file.holds(Mode.write, first, last)) return this.#place(file, request);
    const freshFrom = pageEndAt(cache.sizeBytes);
    if (writeEnd > cache.sizeBytes) {
      request.keep();
      this.#extend(
        file,
        request,
        () => this.#writeCached(file, request),
        () => undefined,
      );
    } else if (mayTake(file, request, freshFrom)) this.#take(file, request, request.byteLength);
    else this.#place(file, request);
  }

  /** At the file's end, wherever that is by then: one node appends at a time, to all of them. */
  #append(file: MountFile, request: WriteRequest): void {
    request.keep();
    this.#pinned(file, request, pageMax - 1, pageMax, "token", (unpin) => {
      request.onDone = unpin;
      request.offset = file.file.cache.sizeBytes;
      this.#whenDropped(file, request);
    });
  }

  /** Takes the bytes as soon as the pages are here, and the file is long enough. */
  #place(file: MountFile, request: WriteRequest): void {
    const { cache, tokens, isUsable } = file.file;
    const writeEnd = request.offset + request.byteLength;
    const start = pageAt(request.offset);
    const end = pageEndAt(writeEnd);
    const fits = writeEnd <= cache.sizeBytes;
    if (fits && isUsable && tokens.allows(Mode.write, start, end) && mayTake(file, request, end)) {
      return this.#take(file, request, request.byteLength);
    }
    request.keep();
    const kind = fits && isWhole(request) && !file.file.isArriving(start, end) ? "token" : "hold";
    this.#pinned(file, request, start, end, kind, (unpin) => {
      // With the token held, what lies beyond the end of the file is zeros, and stays so while the file grows.
      const freshFrom = pageEndAt(cache.sizeBytes);
      if (writeEnd <= cache.sizeBytes) this.#takePinned(file, request, freshFrom, unpin);
      else this.#extend(file, request, () => this.#takePinned(file, request, freshFrom, unpin), unpin);
    });
  }

  #takePinned(file: MountFile, request: WriteRequest, freshFrom: PageIndex, unpin: () => void): void {
    const fits = request.offset + request.byteLength <= file.file.cache.sizeBytes;
    if (fits && file.file.isUsable && mayTake(file, request, freshFrom)) this.#take(file, request, request.byteLength);
    else this.#place(file, request); // The file was cut meanwhile, or the session lost, or pages are on their way.
    unpin();
  }

  #take(file: MountFile, request: WriteRequest, byteLength: number): void {
    const { file: nodeFile } = file;
    const start = pageAt(request.offset);
    const end = pageEndAt(request.offset + byteLength);
    nodeFile.overwrite(start, end, () => copyIn(nodeFile.cache, request.offset, request.address(), byteLength));
    file.wrote();
    if (request.isCached) file.kernel.give(start, end);
    if (request.isFlush) return request.written();
    // Where others have appended meanwhile, the kernel cannot work out the new end of the file by itself.
    if (request.knownEnd < request.offset + byteLength && request.isAppend) return this.#tellAppended(file, request);
    request.written();
    file.answeredUpTo(request.knownEnd);
  }

  #tellAppended(file: MountFile, request: WriteRequest): void {
    request.keep();
    file.settle(() => request.written());
  }

  #extend(file: MountFile, request: WriteRequest, onExtended: () => void, unpin: () => void): void {
    let isInterrupted = false;
    const fail = (errno: number) => {
      isInterrupted = true;
      unpin();
      request.fail(errno);
    };
    request.onGiveUp = fail;
    const size = request.offset + request.byteLength;
    this.#node.requests.ask({
      op: "extend",
      args: () => ({ file: file.file.number, size }),
      onReply: () => {
        request.onGiveUp = undefined;
        if (isInterrupted) file.settle(() => undefined);
        else onExtended();
      },
      onFail: (error) => {
        if (!isInterrupted) fail(errnoOf(error));
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
    pins.pin(file.file, pin, { mode: Mode.write, start, end, kind }, () => {
      request.onGiveUp = undefined;
      act(() => pins.unpin(file.file, pin));
    });
  }
}

/** Whether the request replaces every page that it touches. */
function isWhole({ offset, byteLength }: WriteRequest): boolean {
  return offset % pageBytes === 0 && byteLength % pageBytes === 0;
}

/** Whether every page is here, or is replaced as a whole, or comes after the former end of the file. */
function mayTake({ file }: MountFile, request: WriteRequest, freshFrom: PageIndex): boolean {
  const start = pageAt(request.offset);
  const end = pageEndAt(request.offset + request.byteLength);
  const missing = file.cache.nextUncached(start, end);
  if (missing === end) return true;
  return !file.isArriving(start, end) && (missing >= freshFrom || isWhole(request));
}
