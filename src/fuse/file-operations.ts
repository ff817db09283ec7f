import { constants } from "node:fs";
import { fileBytesMax } from "../core/units.js";
import type { Attributes } from "../core/wire/attributes.js";
import type { Opened } from "../core/wire/control.js";
import { Errno } from "../kernel/errno.js";
import { NativeBuffer } from "../kernel/native-buffer.js";
import type { Node } from "../node/node.js";
import type { DirectIo } from "./direct-io.js";
import { errnoOf } from "./errno-of.js";
import type { FileReads, ReadRequest } from "./file-reads.js";
import type { FileWrites } from "./file-writes.js";
import { type Operation, writeBytesMax } from "./fuse-loop.js";
import type { Handle, Handles } from "./handles.js";
import type { MountFile } from "./mount-file.js";
import type { MountFiles } from "./mount-files.js";
import type { NodeIds } from "./node-ids.js";
import type { Privileges } from "./privileges.js";
import { type Probes, proberHandle } from "./probes.js";
import { Opcode, OpenAnswer, ReadFlag, WriteFlag } from "./protocol.js";
import type { Request } from "./request.js";
import { failureOf, syncHandle } from "./sync-handle.js";
import type { WriteRequest } from "./write-request.js";

const accessMask = 3;
/** O_SYNC has the bit of O_DSYNC, too. */
const { O_RDONLY, O_APPEND, O_DIRECT, O_DSYNC, O_WRONLY } = constants;
const writeBodyAt = 40;

/** For the bytes of writes that are given up, and written all the same; used again. */
const copies: NativeBuffer[] = [];

/** What has to happen with locks when a program closes a descriptor. */
export interface LockReleases {
  /** A process, as the kernel numbers it, has closed a descriptor of the file. */
  flushed(file: MountFile, owner: string, onDone: () => void): void;
  /** Nobody has this open file description any more. */
  released(handle: number, file: MountFile): void;
}

/** Whether a file is opened for writing with these flags of open(2). */
export function isWriting(flags: number): boolean {
  return (flags & accessMask) !== O_RDONLY;
}

let answer: NativeBuffer | undefined;
function scratch(): NativeBuffer {
  answer ??= new NativeBuffer(4096);
  return answer;
}

/** OPEN to RELEASE, READ, WRITE, FLUSH and FSYNC: what the kernel asks of open files. */
export class FileOperations {
  readonly #node: Node;
  readonly #ids: NodeIds;
  readonly #files: MountFiles;
  readonly #handles: Handles;
  readonly #reads: FileReads;
  readonly #writes: FileWrites;
  readonly #privileges: Privileges;
  readonly #probes: Probes;
  readonly #hasDirectMaps: () => boolean;
  readonly #directIo: DirectIo;
  readonly #locks: LockReleases;

  constructor(
    node: Node,
    ids: NodeIds,
    files: MountFiles,
    handles: Handles,
    io: {
      readonly reads: FileReads;
      readonly writes: FileWrites;
      readonly privileges: Privileges;
      readonly probes: Probes;
      /** Whether what is opened past the cache can be mapped. */
      readonly hasDirectMaps: () => boolean;
      readonly directIo: DirectIo;
    },
    locks: LockReleases,
  ) {
    this.#node = node;
    this.#ids = ids;
    this.#files = files;
    this.#handles = handles;
    this.#reads = io.reads;
    this.#writes = io.writes;
    this.#privileges = io.privileges;
    this.#probes = io.probes;
    this.#hasDirectMaps = io.hasDirectMaps;
    this.#directIo = io.directIo;
    this.#locks = locks;
  }

  operations(): [number, Operation][] {
    return [
      [Opcode.open, (request) => this.#open(request)],
      [Opcode.release, (request) => this.#release(request)],
      [Opcode.read, (request) => this.#read(request)],
      [Opcode.write, (request) => this.#write(request)],
      [Opcode.flush, (request) => this.#flush(request)],
      [Opcode.fsync, (request) => this.#fsync(request)],
    ];
  }

  /**
   * Opens for a program with these flags of open(2). `onOpened` gets fuse_open_out's handle and flags. `thing`: which one of this
   * number, where the kernel has not been told of it yet.
   */
  openHandle(
    inode: number,
    flags: number,
    onOpened: (handle: number, answerFlags: number) => void,
    onFail: (errno: number) => void,
    thing?: Pick<Attributes, "inode" | "born">,
  ): void {
    const isWriter = isWriting(flags);
    // Nobody reads or maps through these, and the kernel then passes large writes on in one piece.
    const isWriteOnly = (flags & accessMask) === O_WRONLY || (isWriter && (flags & O_APPEND) !== 0);
    this.#files.acquire(
      inode,
      isWriter,
      (file) => {
        const isPastCache = isWriteOnly || (isWriter && this.#goesPastCache(file));
        const isSynced = isWriter && (flags & O_DSYNC) !== 0;
        const [losses, refusals] = [file.file.losses.listener(), file.attributes.failures.listener()];
        const handle = this.#handles.add({ file, isWriter, isPastCache, isSynced, losses, refusals });
        const answerFlags = OpenAnswer.keepCache | (isPastCache ? OpenAnswer.directIo : 0);
        file.whenNotAsked(() => file.settle(() => onOpened(handle, answerFlags)));
      },
      (error) => onFail(errnoOf(error)),
      thing,
    );
  }

  /** What is opened for reading and writing. Where the kernel cannot be asked for sizes, nothing else is right: see Probes. */
  #goesPastCache({ sharing }: MountFile): boolean {
    if (!this.#hasDirectMaps()) return false;
    const isWanted = this.#directIo === "always" || (this.#directIo === "auto" && sharing.is);
    return isWanted || !this.#probes.isAble;
  }

  /** What a program makes is opened with it: see MountFiles. */
  adopt(attributes: Attributes, flags: number, opened: Opened, mayHaveList: boolean): void {
    this.#files.adopt(attributes, isWriting(flags), opened, mayHaveList);
  }

  removed(inode: number): void {
    this.#files.removed(inode);
  }

  /** A name has come or gone of this file, or of any; it has so many by now, if that is known. */
  relinked(inode: number | undefined, links?: number): void {
    if (inode !== undefined) return this.#files.find(inode)?.attributes.relinked(links);
    for (const file of this.#files.all()) file.attributes.relinked(undefined);
  }

  closeHandle(number: number): void {
    const handle = this.#handles.remove(number);
    if (handle === undefined) return;
    if (this.#files.release(handle.file, handle.isWriter)) this.#probes.letGo();
  }

  #open(request: Request): void {
    const { keepCache, noFlush } = OpenAnswer;
    if (this.#probes.isProber(request)) return answerOpen(request, proberHandle, keepCache | noFlush);
    const inode = this.#ids.inodeOf(request.node);
    if (inode === undefined) return request.fail(Errno.ESTALE);
    const onOpened = (handle: number, flags: number) => {
      if (request.isAnswered) this.closeHandle(handle);
      else answerOpen(request, handle, flags);
    };
    request.onGiveUp = (errno) => request.fail(errno);
    this.openHandle(inode, request.u32(0), onOpened, (errno) => request.fail(errno));
  }

  #release(request: Request): void {
    const number = request.u64(0);
    const handle = this.#handles.find(number);
    if (handle !== undefined) this.#locks.released(number, handle.file);
    this.closeHandle(number);
    request.ok();
  }

  #read(request: Request): void {
    const handle = this.#handles.find(request.u64(0));
    if (handle === undefined) return request.fail(Errno.EBADF);
    if (handle.file.open.isGone) return request.fail(Errno.ESTALE);
    const read = new FuseRead(request);
    if (read.byteLength === 0) read.data(0, 0, 0, 0, 0);
    else this.#reads.read(handle.file, read);
  }

  #write(request: Request): void {
    const handle = this.#handles.find(request.u64(0));
    if (handle === undefined) return request.fail(Errno.EBADF);
    const { file } = handle;
    if (file.open.isGone && (request.u32(20) & WriteFlag.cache) === 0) return request.fail(Errno.ESTALE);
    const write = new FuseWrite(request, handle);
    // The kernel lets through what ends before 2^63. Sums beyond 2^53 are rounded, but never to below it.
    if (!write.isAppend && !write.isFlush && write.knownEnd > fileBytesMax) return request.fail(Errno.EFBIG);
    const take = () => this.#writes.write(file, write);
    if ((request.u32(20) & WriteFlag.killPrivileges) === 0) take();
    else this.#privileges.end(request, file.inode, take);
  }

  #flush(request: Request): void {
    const handle = this.#handles.find(request.u64(0));
    if (handle === undefined) return request.ok();
    this.#locks.flushed(handle.file, request.id(16), () => {
      const errno = handle.isWriter ? failureOf(handle) : 0;
      if (errno !== 0) request.fail(errno);
      else request.ok();
    });
  }

  #fsync(request: Request): void {
    const handle = this.#handles.find(request.u64(0));
    if (handle === undefined) return request.fail(Errno.EBADF);
    if (handle.file.open.isGone) return request.fail(Errno.ESTALE);
    request.onGiveUp = (errno) => request.fail(errno);
    syncHandle(this.#node, handle, (errno) => {
      if (errno === 0) request.ok();
      else request.fail(errno);
    });
  }
}

function answerOpen(request: Request, handle: number, flags: number): void {
  const out = scratch();
  out.setUint64(0, handle);
  out.uint32[2] = flags;
  out.uint32[3] = 0;
  request.data(out.address, 16);
}

/** FUSE_READ: fuse_read_in has the handle, the offset and the length. */
class FuseRead implements ReadRequest {
  readonly offset: number;
  readonly byteLength: number;
  /** A fault in a shared map fills the kernel's cache whatever the handle: the handle does not tell. */
  readonly isCached: boolean;
  readonly mayComeAgain: boolean;
  readonly #request: Request;

  constructor(request: Request) {
    this.#request = request;
    this.offset = request.u64(8);
    this.isCached = (request.u32(20) & ReadFlag.lockOwner) === 0;
    const byteLength = request.u32(16);
    // Past its cache the kernel asks for what no file can have, too: there is no page and no token for that.
    this.byteLength = this.isCached ? byteLength : Math.max(0, Math.min(byteLength, fileBytesMax - this.offset));
    this.mayComeAgain = this.isCached;
  }

  get thread(): number {
    return this.#request.thread;
  }

  get onGiveUp(): ((errno: number) => void) | undefined {
    return this.#request.onGiveUp;
  }

  set onGiveUp(act: ((errno: number) => void) | undefined) {
    this.#request.onGiveUp = act;
  }

  data(address: number, byteLength: number, nextAddress: number, nextLength: number, zeroLength: number): void {
    this.#request.data(address, byteLength, nextAddress, nextLength, zeroLength);
  }

  fail(errno: number): void {
    this.#request.fail(errno);
  }
}

/** FUSE_WRITE: fuse_write_in has the handle, the offset, the length and what kind of write it is; the bytes follow. */
class FuseWrite implements WriteRequest {
  offset: number;
  readonly byteLength: number;
  readonly isFlush: boolean;
  isCached: boolean;
  isMoved = false;
  readonly isAppend: boolean;
  isAtEnd = false;
  readonly syncFor: Handle | undefined;
  readonly knownEnd: number;
  readonly thread: number;
  readonly #request: Request;
  readonly #file: MountFile;
  readonly #whenDone: (() => void)[] = [];
  #copy: NativeBuffer | undefined;

  constructor(request: Request, handle: Handle) {
    this.#request = request;
    this.#file = handle.file;
    this.offset = request.u64(8);
    this.byteLength = request.u32(16);
    this.knownEnd = this.offset + this.byteLength;
    this.thread = request.thread;
    this.isFlush = (request.u32(20) & WriteFlag.cache) !== 0;
    const flags = request.u32(32); // Of open(2), as they are by now; none of stores to maps.
    this.isCached = this.isFlush || !(handle.isPastCache || (flags & O_DIRECT) !== 0);
    request.isDirect = !this.isCached;
    this.isAppend = (flags & O_APPEND) !== 0 && !this.isFlush;
    // Through its cache the kernel does that itself: an FSYNC follows. Past it these flags are all that it does.
    this.syncFor = handle.isPastCache && (flags & O_DSYNC) !== 0 ? handle : undefined;
  }

  get onGiveUp(): ((errno: number) => void) | undefined {
    return this.#request.onGiveUp;
  }

  set onGiveUp(act: ((errno: number) => void) | undefined) {
    this.#request.onGiveUp = act;
  }

  get isWaitedFor(): boolean {
    return !this.#request.isAnswered;
  }

  giveUp(errno: number): void {
    this.#copy = copies.pop() ?? new NativeBuffer(writeBytesMax);
    this.#copy.bytes.set(this.#request.bytes(writeBodyAt, this.byteLength));
    this.#answer(() => this.#request.fail(errno));
  }

  whenDone(act: () => void): void {
    this.#whenDone.push(act);
  }

  address(): number {
    return this.#copy?.address ?? this.#request.bodyAddress(writeBodyAt);
  }

  keep(): void {
    this.#request.keep();
  }

  written(): void {
    this.#answer(() => {
      const out = scratch();
      out.uint32[0] = this.byteLength;
      out.uint32[1] = 0;
      this.#request.data(out.address, 8);
    });
    this.done();
  }

  fail(errno: number): void {
    this.#answer(() => this.#request.fail(errno));
    this.done();
  }

  done(): void {
    if (this.#copy !== undefined) copies.push(this.#copy);
    this.#copy = undefined;
    for (const act of this.#whenDone.splice(0)) act();
  }

  /** To take a size, the kernel may have to wait for what it writes down of shared maps; no program waits for that. */
  #answer(act: () => void): void {
    if (this.isFlush) act();
    else this.#file.whenNotAsked(act);
  }
}
