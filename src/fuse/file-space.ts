import {
  type ByteOffset,
  fileBytesMax,
  Mode,
  type PageIndex,
  pageAt,
  pageBytes,
  pageEndAt,
  pageMax,
} from "../core/units.js";
import { Errno } from "../kernel/errno.js";
import { NativeBuffer } from "../kernel/native-buffer.js";
import type { Node } from "../node/node.js";
import { errnoOf } from "./errno-of.js";
import type { FileWrites } from "./file-writes.js";
import type { Operation } from "./fuse-loop.js";
import type { Handles } from "./handles.js";
import type { MountFile } from "./mount-file.js";
import type { MountFiles } from "./mount-files.js";
import { FallocateMode, Opcode } from "./protocol.js";
import type { Request } from "./request.js";
import { syncHandle } from "./sync-handle.js";
import type { WriteRequest } from "./write-request.js";

const { keepSize, punchHole, zeroRange } = FallocateMode;
const seekData = 3;
/** Zeros are written in pieces of this length. */
const pieceBytes = 1024 * 1024;
/** And put down, and given back, after so many. */
const stretchBytes = 16 * pieceBytes;

let answer: NativeBuffer | undefined;
let zeros: NativeBuffer | undefined;

/** Sizes, room and holes of files: SETATTR with a size, FALLOCATE and LSEEK. */
export class FileSpace {
  readonly #node: Node;
  readonly #files: MountFiles;
  readonly #handles: Handles;
  readonly #writes: FileWrites;

  constructor(node: Node, files: MountFiles, handles: Handles, writes: FileWrites) {
    this.#node = node;
    this.#files = files;
    this.#handles = handles;
    this.#writes = writes;
  }

  operations(): [number, Operation][] {
    return [
      [Opcode.fallocate, (request) => this.#fallocate(request)],
      [Opcode.lseek, (request) => this.#seek(request)],
    ];
  }

  /**
   * Cuts or extends a file, which need not be open here, for a SETATTR. `then` answers that, with the size. Until it is
   * answered, the kernel lets no page of the file go. When it is given up, a change that comes all the same is to this
   * kernel as if another node had made it.
   */
  setSize(request: Request, inode: number, size: ByteOffset, then: () => void): void {
    if (size > fileBytesMax) return request.fail(Errno.EFBIG);
    const onFile = (file: MountFile) => {
      if (request.isAnswered) {
        this.#files.release(file, true);
        return;
      }
      file.beginResize();
      request.onGiveUp = (errno) => {
        request.fail(errno);
        file.shownBytes = -1;
        file.whenDropped(0, pageMax, () => file.settle(() => undefined));
      };
      request.onDone = () => {
        file.endResize();
        this.#files.release(file, true);
      };
      const from = file.file.cache.sizeBytes;
      this.#askForSize(request, "truncate", file, size, (errno) => {
        if (errno === 0) file.times.changed();
        if (errno === 0 && size > from) file.tail.expose(from);
        if (request.isAnswered) return;
        if (errno === 0) file.whenNotAsked(then);
        else request.fail(errno);
      });
    };
    request.onGiveUp = (errno) => request.fail(errno);
    this.#files.acquire(inode, true, onFile, (error) => request.fail(errnoOf(error)));
  }

  /** fuse_fallocate_in: handle, offset, length, mode. */
  #fallocate(request: Request): void {
    const handle = this.#handles.find(request.u64(0));
    const [start, byteLength, mode] = [request.u64(8), request.u64(16), request.u32(24)];
    if (handle === undefined) return request.fail(Errno.EBADF);
    const { file } = handle;
    if (file.open.isGone) return request.fail(Errno.ESTALE);
    const end = start + byteLength;
    if (end > fileBytesMax) return request.fail(Errno.EFBIG);
    const { sizeBytes } = file.file.cache;
    const isKept = (mode & keepSize) !== 0;
    const answerWith = (errno: number) => {
      if (request.isAnswered) return file.settle(() => undefined); // Given up, and done all the same.
      if (errno === 0) request.ok();
      else request.fail(errno);
      file.answeredUpTo(errno === 0 && !isKept ? end : 0, request.thread);
    };
    const finish = (errno: number) => {
      if (errno === 0 && handle.isSynced && !request.isAnswered) syncHandle(this.#node, handle, answerWith);
      else answerWith(errno);
    };
    request.onGiveUp = (errno) => request.fail(errno);
    const act = (errno: number) => {
      if (errno !== 0) return finish(errno);
      if ((mode & ~keepSize) === 0) return this.#ask(request, "allocate", file, { start, length: byteLength }, finish);
      file.times.changed(); // As on a local disk, also where there is nothing to zero.
      this.#zero(request, file, start, isKept ? Math.min(end, sizeBytes) : end, finish);
    };
    if (![0, punchHole, zeroRange].includes(mode & ~keepSize)) return finish(Errno.EOPNOTSUPP);
    if (isKept || end <= sizeBytes) act(0);
    else file.dropTail(sizeBytes, () => this.#askForSize(request, "extend", file, end, act));
  }

  /**
   * Writes zeros as a program would, and then has the home give back the room of the pages that are nothing else: so much at a time
   * that neither the mount nor the home is kept from others for long. What is a hole already is passed over, of which there may be
   * terabytes.
   */
  #zero(request: Request, file: MountFile, start: ByteOffset, end: ByteOffset, onDone: (errno: number) => void): void {
    if (request.isAnswered) return; // Given up.
    if (start >= end) return onDone(0);
    const stretch = (from: ByteOffset) => {
      const to = Math.min(end, behind(from, stretchBytes));
      this.#zeroStretch(request, file, from, to, (errno) => {
        if (errno === 0) this.#zero(request, file, to, end, onDone);
        else onDone(errno);
      });
    };
    if (end - start <= pieceBytes) return stretch(start);
    this.#whenHomeHas(request, file, start, end, (unpin) => {
      this.#askSeek(request, file, { offset: start, what: "data" }, (errno, data) => {
        unpin();
        request.onGiveUp = (why) => request.fail(why);
        if (errno !== 0) onDone(errno);
        else if (data === null || data >= end) onDone(0);
        else stretch(data);
      });
    });
  }

  #zeroStretch(
    request: Request,
    file: MountFile,
    start: ByteOffset,
    end: ByteOffset,
    onDone: (errno: number) => void,
  ): void {
    const piece = (from: ByteOffset): void => {
      if (request.isAnswered) return;
      if (from >= end) return this.#deallocate(request, file, pageEndAt(start), pageAt(end), onDone);
      const to = Math.min(end, behind(from, pieceBytes));
      const onWritten = (errno: number) => (errno === 0 ? piece(to) : onDone(errno));
      this.#writes.write(file, new ZeroWrite(from, to - from, onWritten));
    };
    piece(start);
  }

  #askSeek(
    request: Request,
    file: MountFile,
    question: { offset: ByteOffset; what: "data" | "hole" },
    onAnswer: (errno: number, found: ByteOffset | null) => void,
  ): void {
    this.#node.requests.ask({
      op: "seek",
      isWanted: () => !request.isAnswered,
      args: () => ({ file: file.file.frames.number, ...question }),
      onReply: (reply) => onAnswer(0, (reply as { offset: number | null }).offset),
      onFail: (error) => onAnswer(errnoOf(error), null),
    });
  }

  #deallocate(
    request: Request,
    file: MountFile,
    start: PageIndex,
    end: PageIndex,
    onDone: (errno: number) => void,
  ): void {
    if (start >= end) return onDone(0);
    this.#node.sync(file.open, (error) => {
      if (error !== undefined) return onDone(errnoOf(error));
      this.#ask(request, "deallocate", file, { start, end }, onDone);
    });
  }

  /** fuse_lseek_in: handle, offset, whence. The kernel asks only for data and holes. */
  #seek(request: Request): void {
    const file = this.#handles.find(request.u64(0))?.file;
    if (file === undefined) return request.fail(Errno.EBADF);
    if (file.open.isGone) return request.fail(Errno.ESTALE);
    const [offset, what] = [request.u64(8), request.u32(16) === seekData ? "data" : "hole"] as const;
    if (offset >= file.file.cache.sizeBytes) return request.fail(Errno.ENXIO);
    this.#whenHomeHas(request, file, offset, file.file.cache.sizeBytes, (done) => {
      request.onGiveUp = (errno) => request.fail(errno);
      request.onDone = done;
      this.#askSeek(request, file, { offset, what }, (errno, found) => {
        if (errno === 0) answerSeek(request, found);
        else request.fail(errno);
      });
    });
  }

  /** What is a hole to the home may have been written to here or elsewhere: so everything of the range is written back first. */
  #whenHomeHas(
    request: Request,
    file: MountFile,
    from: ByteOffset,
    to: ByteOffset,
    act: (done: () => void) => void,
  ): void {
    const { pins } = this.#node;
    const [pin, start, end] = [pins.next(), pageAt(from), pageEndAt(to)];
    const unpin = () => pins.unpin(file.file, pin);
    request.onGiveUp = (errno) => {
      unpin();
      request.fail(errno);
    };
    const onPinned = () => {
      file.whenDropped(start, end, () => {
        if (request.isAnswered) return;
        if (file.file.writeBack(start, end)) return act(unpin);
        this.#node.sync(file.open, () => act(unpin)); // The connection is full: this waits until it is not.
      });
    };
    const onFailed = (error: unknown) => request.fail(errnoOf(error));
    pins.pin(file.file, pin, { mode: Mode.read, start, end, kind: "token" }, onPinned, onFailed);
  }

  #askForSize(
    request: Request,
    op: "extend" | "truncate",
    file: MountFile,
    size: ByteOffset,
    onDone: (errno: number) => void,
  ): void {
    file.askForSize({
      op,
      size,
      isWanted: () => !request.isAnswered,
      onReply: () => onDone(0),
      onFail: (error) => onDone(errnoOf(error)),
    });
  }

  #ask(request: Request, op: string, file: MountFile, args: object, onDone: (errno: number) => void): void {
    const onAnswer = (errno: number) => {
      file.outdated();
      onDone(errno);
    };
    this.#node.requests.ask({
      op,
      isWanted: () => !request.isAnswered,
      args: () => ({ file: file.file.frames.number, ...args }),
      onReply: () => onAnswer(0),
      onFail: (error) => onAnswer(errnoOf(error)),
    });
  }
}

/** The next multiple of `step` behind this offset. */
function behind(offset: ByteOffset, step: number): ByteOffset {
  return (Math.floor(offset / step) + 1) * step;
}

function answerSeek(request: Request, found: ByteOffset | null): void {
  if (found === null) return request.fail(Errno.ENXIO);
  answer ??= new NativeBuffer(pageBytes);
  answer.setUint64(0, found);
  request.data(answer.address, 8);
}

/** Zeros, as if a program wrote them past the kernel's cache. */
class ZeroWrite implements WriteRequest {
  offset: number;
  readonly byteLength: number;
  readonly isCached = false;
  readonly isFlush = false;
  readonly isMoved = false;
  readonly isAppend = false;
  readonly isAtEnd = false;
  readonly syncFor = undefined;
  readonly knownEnd = 0;
  readonly thread = -1;
  readonly isWaitedFor = true;
  onGiveUp: ((errno: number) => void) | undefined;
  readonly #onDone: (() => void)[] = [];
  readonly #onWritten: (errno: number) => void;

  constructor(offset: ByteOffset, byteLength: number, onWritten: (errno: number) => void) {
    this.offset = offset;
    this.byteLength = byteLength;
    this.#onWritten = onWritten;
  }

  address(): number {
    zeros ??= new NativeBuffer(pieceBytes);
    return zeros.address;
  }

  keep(): void {
    // The zeros stay where they are.
  }

  whenDone(act: () => void): void {
    this.#onDone.push(act);
  }

  done(): void {
    for (const act of this.#onDone.splice(0)) act();
  }

  giveUp(errno: number): void {
    this.#end(errno); // Not called: it is no request of the kernel.
  }

  written(): void {
    this.#end(0);
  }

  fail(errno: number): void {
    this.#end(errno);
  }

  #end(errno: number): void {
    this.done();
    this.#onWritten(errno);
  }
}
