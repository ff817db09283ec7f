import { type ByteOffset, pageAt, pageBytes, pageEndAt, pageMax } from "../core/units.js";
import type { Pins } from "../node/pins.js";
import type { FileReads } from "./file-reads.js";
import type { MountFile } from "./mount-file.js";
import type { MountFiles } from "./mount-files.js";
import type { NodeIds } from "./node-ids.js";
import type { Request } from "./request.js";
import type { SizeProbes } from "./size-probes.js";
import type { WaitingRequests } from "./waiting-requests.js";

/** How often the kernel is told a size that it does not take: it is busy with a change of its own, which ends. */
const triesMax = 500;
/** The first times at once, then every millisecond. */
const triesAtOnce = 10;

/**
 * Has the kernel of this mount know the sizes of open files that others change, before such a change is complete: else a map
 * of a file that has grown gives SIGBUS, and private pages of one that was cut and grown again come back (R5).
 *
 * The kernel takes a size from any answer with attributes in it. It then zeroes what it has cached behind that size in its
 * last page, and drops the pages behind: which is right for the size of that moment, and destroys data when the file has
 * grown on meanwhile. So sizes are brought home one at a time, by a thread that stats the inode; all other answers repeat
 * what the kernel knows already.
 */
export class KernelSizes {
  readonly #files: MountFiles;
  readonly #ids: NodeIds;
  readonly #probes: SizeProbes;
  readonly #reads: FileReads;
  readonly #pins: Pins;
  readonly #waiting: WaitingRequests;
  readonly #told = new Map<MountFile, (() => void)[]>();

  constructor(
    files: MountFiles,
    ids: NodeIds,
    reads: FileReads,
    pins: Pins,
    kernel: { readonly probes: SizeProbes; readonly waiting: WaitingRequests },
  ) {
    this.#files = files;
    this.#ids = ids;
    this.#probes = kernel.probes;
    this.#waiting = kernel.waiting;
    this.#reads = reads;
    this.#pins = pins;
  }

  /** The size of an open file has changed: calls `done` when the kernel lives by it, or cannot show the former one. */
  onResize(file: MountFile, from: ByteOffset, to: ByteOffset, done: () => void): void {
    const id = this.#ids.idOf(file.inode);
    if (id === undefined || file.isResizing || this.#waiting.isAllocating(file.inode)) return done();
    if (to < from) this.#cut(file, to, done);
    else if (this.#waiting.isWriting(file.inode, to)) done();
    else if (pageAt(to) >= pageEndAt(from)) this.#dropTail(file, from, () => this.#tell(file, done));
    // Maps end with the same page as before, and the kernel asks for the size when a read goes beyond what it knows.
    else this.#dropTail(file, from, done);
  }

  /**
   * Calls `then` when the kernel knows the size that the file of these attributes has by now. Meanwhile its last page is kept
   * from being written elsewhere, so that the size is still true when the kernel comes to it:
   *
   * 1. the kernel is answered with a size; 2. the file grows within that page, and data come; 3. a fault brings them here;
   * 4. the kernel, at last, zeroes the page behind the size.
   */
  settle({ inode }: { readonly inode: number }, then: () => void): void {
    const file = this.#files.find(inode);
    if (file === undefined || this.#isKnown(file) || file.isResizing) return then(); // The answer to SETATTR carries it.
    if (this.#ids.idOf(inode) === undefined) {
      file.shownBytes = file.file.cache.sizeBytes; // The kernel is just about to be told of it.
      return then();
    }
    const { sizeBytes } = file.file.cache;
    if (sizeBytes % pageBytes === 0) return this.#tell(file, then);
    const page = pageAt(sizeBytes);
    const pin = this.#pins.next();
    this.#pins.pin(file.file, pin, { mode: file.cacheMode, start: page, end: page + 1, kind: "hold" }, () => {
      const unpin = () => this.#pins.unpin(file.file, pin);
      if (this.#isKnown(file) || pageAt(file.file.cache.sizeBytes) !== page) {
        unpin();
        return this.settle({ inode }, then);
      }
      this.#tell(file, () => {
        unpin();
        then();
      });
    });
  }

  /** Whether a GETATTR comes from the thread that brings sizes home: it gets the size as it is. */
  isProbe(request: Request): boolean {
    return request.thread !== 0 && request.thread === this.#probes.thread;
  }

  /** Stores of programs behind the former end of the file, in its last page, do not become part of it (R7). */
  #dropTail(file: MountFile, from: ByteOffset, then: () => void): void {
    const page = pageAt(from);
    if (from % pageBytes === 0) return then();
    if (!this.#waiting.isLocked(file.inode, page)) return file.whenDropped(page, page + 1, then);
    file.whenDropped(page, page + 1, () => undefined); // It cannot be dropped before that request is answered.
    then();
  }

  /**
   * The kernel drops what is cut off when it comes to know the size. For the last page it may have to wait, since a request
   * keeps that locked which is answered after this change; then the size is in force, but that page has to be dropped.
   */
  #cut(file: MountFile, to: ByteOffset, done: () => void): void {
    const page = pageAt(to);
    this.#reads.onCut(file);
    if (!this.#waiting.isLocked(file.inode, page)) return this.#tell(file, done);
    this.#tell(file, () => file.whenDropped(page, page + 1, () => undefined));
    file.whenDropped(pageEndAt(to), pageMax, done);
  }

  #isKnown(file: MountFile): boolean {
    return file.shownBytes === file.file.cache.sizeBytes;
  }

  /** Calls `then` when the kernel has said that it knows the size. */
  #tell(file: MountFile, then: () => void): void {
    const waiters = this.#told.get(file);
    if (waiters !== undefined) {
      waiters.push(then);
      return;
    }
    this.#told.set(file, [then]);
    this.#probe(file, 0);
  }

  #probe(file: MountFile, tries: number): void {
    const id = this.#ids.idOf(file.inode);
    const end = () => {
      const waiters = this.#told.get(file) ?? [];
      this.#told.delete(file);
      for (const waiter of waiters) waiter();
    };
    if (id === undefined) return end();
    this.#probes.probe(id, tries < triesAtOnce ? 0 : 1, (seen) => {
      const { sizeBytes } = file.file.cache;
      // Where inodes cannot be opened by handle, all answers carry the size.
      if (seen === sizeBytes || seen < 0 || tries >= triesMax) file.shownBytes = sizeBytes;
      else if (!file.isResizing) return this.#probe(file, tries + 1);
      end();
    });
  }
}
