import { type ByteOffset, type PageIndex, type Policy, pageAt, pageEndAt } from "../core/units.js";
import type { Time } from "../core/wire/attributes.js";
import { Errno } from "../kernel/errno.js";
import { factsOf, statOf } from "../kernel/facts.js";
import { setModified } from "../kernel/inode-attributes.js";
import * as libc from "../kernel/libc.js";
import { NativeBuffer } from "../kernel/native-buffer.js";
import { pageBytes } from "../kernel/page-size.js";
import { RefusedPages, type RefusedPool } from "./refused-pages.js";
import type { StoreFile, SyncDone } from "./store.js";
import { storeError } from "./store-error.js";

const seekData = 3;
const seekHole = 4;
const zeroPages = 256;
const keepSize = 1;
const punchHole = 2;

let inspectedBuffer: NativeBuffer | undefined;
/** Room for as many pages as `zeros` has. */
function inspected(): NativeBuffer {
  inspectedBuffer ??= new NativeBuffer(zeroPages * pageBytes);
  return inspectedBuffer;
}

let zeroBuffer: NativeBuffer | undefined;
function zeros(): number {
  zeroBuffer ??= new NativeBuffer(zeroPages * pageBytes);
  return zeroBuffer.address;
}

interface Identity {
  readonly key: string;
  readonly inode: number;
}

/** What a file needs of its store. */
export interface PageFileOwner {
  readonly refused: RefusedPool;
  sync(file: PageFile, done: SyncDone, isUrgent: boolean): void;
  /** Somebody closed the file: once for each open. */
  closed(file: PageFile): void;
  isRemoved(file: PageFile): boolean;
}

/** An open descriptor, read and written by pages. The system's page cache is the cache; nothing is cached here. */
export class PageFile implements StoreFile {
  readonly fd: number;
  readonly key: string;
  readonly inode: number;
  mayWrite = true;
  readonly policy: Policy;
  /** For messages: the name it was opened by. */
  readonly name: string;
  readonly refused: RefusedPages;
  sizeBytes: ByteOffset;
  /** Opens less closes. */
  users = 0;
  /** Whether there may be something that no sync has covered, from before this home opened it included. */
  unsynced = true;
  /** Whether owner, mode or the like may have changed since the last sync: they need more than the content does. */
  unsyncedAttributes = true;
  readonly #owner: PageFileOwner;
  /** False for a file without any hole: then nothing is looked up before a transfer. Never becomes false again. */
  #mayHaveHoles: boolean;

  constructor(owner: PageFileOwner, fd: number, identity: Identity, name: string, policy: Policy) {
    this.#owner = owner;
    this.fd = fd;
    this.key = identity.key;
    this.inode = identity.inode;
    this.name = name;
    this.policy = policy;
    this.refused = new RefusedPages(owner.refused);
    const { sizeBytes, allocatedBytes } = factsOf(fd);
    this.sizeBytes = sizeBytes;
    this.#mayHaveHoles = allocatedBytes < sizeBytes;
  }

  get isRemoved(): boolean {
    return this.#owner.isRemoved(this);
  }

  read(start: PageIndex, end: PageIndex, to: number): void {
    const wanted = (end - start) * pageBytes;
    const bytes = this.#clippedBytes(start, end);
    let done = 0;
    while (done < bytes) {
      const count = libc.pread(this.fd, to + done, bytes - done, start * pageBytes + done);
      if (count < 0) throw storeError(`reading ${this.name}`, libc.errno());
      if (count === 0) break; // Cut by somebody else than the home: reads as zeros.
      done += count;
    }
    if (done < wanted) libc.memset(to + done, 0, wanted - done);
    if (this.refused.count > 0) this.refused.overlay(start, end, to);
  }

  write(start: PageIndex, end: PageIndex, from: number): boolean {
    const last = Math.min(end, pageEndAt(this.sizeBytes));
    if (!this.#mayHaveHoles) return last <= start || this.#writeRun(start, last, from);
    for (let page = start; page < last; ) {
      const address = from + (page - start) * pageBytes;
      const zero = isZeroPage(address);
      let runEnd = page + 1;
      while (runEnd < last && isZeroPage(from + (runEnd - start) * pageBytes) === zero) runEnd++;
      if (!(zero ? this.writeZeros(page, runEnd) : this.#writeRun(page, runEnd, address))) return false;
      page = runEnd;
    }
    return true;
  }

  /**
   * Holes stay holes; what is allocated is overwritten in place, not punched out: a file that was given its blocks
   * beforehand keeps them, so that it cannot run out of space later.
   */
  writeZeros(start: PageIndex, end: PageIndex): boolean {
    const last = Math.min(end, pageEndAt(this.sizeBytes));
    for (let page = start; page < last; ) {
      const data = this.#mayHaveHoles ? this.#seek(seekData, page, last) : page;
      this.refused.drop(page, data);
      if (data >= last) break;
      const hole = this.#mayHaveHoles ? this.#seek(seekHole, data, last) : last;
      const runEnd = Math.max(data + 1, Math.min(hole, data + zeroPages));
      if (!this.#writeRun(data, runEnd, zeros())) return false;
      page = runEnd;
    }
    return true;
  }

  nextData(start: PageIndex, end: PageIndex): PageIndex {
    if (!this.#mayHaveHoles || this.refused.count > 0) return start;
    return this.#seek(seekData, start, end);
  }

  nextHole(start: PageIndex, end: PageIndex): PageIndex {
    if (!this.#mayHaveHoles || this.refused.count > 0) return end;
    return this.#seek(seekHole, start, end);
  }

  setSize(sizeBytes: ByteOffset): void {
    this.unsynced = true;
    if (libc.ftruncate(this.fd, sizeBytes) !== 0) throw storeError(`resizing ${this.name}`, libc.errno());
    if (sizeBytes > this.sizeBytes) this.#mayHaveHoles = true;
    this.refused.drop(pageEndAt(sizeBytes), Number.POSITIVE_INFINITY);
    const tail = sizeBytes % pageBytes;
    const place = tail === 0 ? undefined : this.refused.addressOf(pageAt(sizeBytes));
    // R7: what lies past the end in the last page must not come back when the file grows.
    if (place !== undefined) libc.memset(place + tail, 0, pageBytes - tail);
    this.sizeBytes = sizeBytes;
  }

  setModified(time: Time | "now"): void {
    const errno = -setModified(this.fd, time);
    if (errno !== 0) throw storeError(`setting the time of ${this.name}`, errno);
    this.unsynced = true;
  }

  allocate(start: ByteOffset, length: number): void {
    this.unsynced = true;
    if (libc.fallocate(this.fd, keepSize, start, length) !== 0) {
      throw storeError(`allocating room for ${this.name}`, libc.errno());
    }
  }

  deallocate(start: PageIndex, end: PageIndex): void {
    const last = Math.min(end, pageEndAt(this.sizeBytes));
    for (let page = this.nextData(start, last); page < last; page = this.nextData(page, last)) {
      const runEnd = Math.min(page + zeroPages, last);
      if (!this.#punchZeros(page, runEnd)) return;
      page = runEnd;
    }
  }

  sync(done: SyncDone, isUrgent = true): void {
    this.#owner.sync(this, done, isUrgent);
  }

  close(): void {
    this.#owner.closed(this);
  }

  /** Tries to write what the disk refused: the file has changed when that came, not now. @returns 0, or the errno of the next refusal. */
  retryRefused(): number {
    if (this.refused.count === 0) return 0;
    const { mtime } = statOf(this.fd).attributes;
    const errno = this.#writeRefused();
    setModified(this.fd, mtime);
    return errno;
  }

  #writeRefused(): number {
    for (const page of this.refused.pages()) {
      const errno = this.#writeBytes(page, page + 1, this.refused.addressOf(page) ?? zeros());
      if (errno !== 0) return errno;
      this.refused.drop(page, page + 1);
    }
    return 0;
  }

  /** @returns false on a filesystem without holes. */
  #punchZeros(start: PageIndex, end: PageIndex): boolean {
    this.read(start, end, inspected().address);
    const isZero = (page: PageIndex) => isZeroPage(inspected().address + (page - start) * pageBytes);
    for (let page = start; page < end; page++) {
      const runStart = page;
      while (page < end && isZero(page)) page++;
      if (page === runStart) continue;
      this.unsynced = true;
      this.#mayHaveHoles = true;
      const byteLength = (page - runStart) * pageBytes;
      if (libc.fallocate(this.fd, punchHole + keepSize, runStart * pageBytes, byteLength) === 0) continue;
      const errno = libc.errno();
      if (errno === Errno.EOPNOTSUPP) return false;
      throw storeError(`making holes in ${this.name}`, errno);
    }
    return true;
  }

  #writeRun(start: PageIndex, end: PageIndex, from: number): boolean {
    const errno = this.#writeBytes(start, end, from);
    if (errno === 0) {
      this.refused.drop(start, end);
      return true;
    }
    // Which of the pages are down does not matter: all of them are kept, and written once more later.
    return this.refused.keep(start, end, from);
  }

  /** @returns 0, or the errno with which the disk refused it, or a part of it. */
  #writeBytes(start: PageIndex, end: PageIndex, from: number): number {
    this.unsynced = true;
    const bytes = this.#clippedBytes(start, end);
    let done = 0;
    while (done < bytes) {
      const count = libc.pwrite(this.fd, from + done, bytes - done, start * pageBytes + done);
      if (count >= 0) {
        done += count;
        continue;
      }
      const errno = libc.errno();
      if (errno !== Errno.EINTR) return errno;
    }
    return 0;
  }

  #clippedBytes(start: PageIndex, end: PageIndex): number {
    return Math.max(0, Math.min(end * pageBytes, this.sizeBytes) - start * pageBytes);
  }

  /** Holes and data may begin inside a page on some filesystems: a page that holds any data is data. */
  #seek(whence: number, start: PageIndex, end: PageIndex): PageIndex {
    const offset = libc.lseek(this.fd, start * pageBytes, whence);
    if (offset >= 0) {
      const page = whence === seekData ? pageAt(offset) : pageEndAt(offset);
      return Math.min(Math.max(page, start), end);
    }
    const errno = libc.errno();
    if (errno === Errno.ENXIO) return whence === seekData ? end : start; // Nothing but hole up to the end of the file.
    if (errno === Errno.EINVAL) return whence === seekData ? start : end; // A filesystem that cannot tell.
    throw storeError(`looking for holes in ${this.name}`, errno);
  }
}

/** Whether this page of memory is all zeros. */
export function isZeroPage(address: number): boolean {
  return libc.memcmp(address, zeros(), pageBytes) === 0;
}
