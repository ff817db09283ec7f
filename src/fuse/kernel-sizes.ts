import { type ByteOffset, pageAt, pageBytes, pageEndAt, pageMax } from "../core/units.js";
import type { Pins } from "../node/pins.js";
import type { FileReads } from "./file-reads.js";
import type { MountFile } from "./mount-file.js";
import type { MountFiles } from "./mount-files.js";
import type { NodeIds } from "./node-ids.js";
import type { Request } from "./request.js";
import type { SizeProbes } from "./size-probes.js";
import type { WaitingRequests } from "./waiting-requests.js";

/**
 * How often the kernel is told a size that it does not take: it is busy with a write of several pages, or a change of the size,
 * which ends. But that may wait for a host that waits for the last page, which is kept here meanwhile: so not for too long.
 */
const triesMax = 100;
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
  readonly #told = new Map<MountFile, ((isKnown: boolean) => void)[]>();

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
    else if (this.#waiting.isWriting(file.inode, to) || file.writing.reaches(to)) done();
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
   *
   * `thread`: who asks for the size, if it is asked for.
   */
  settle({ inode }: { readonly inode: number }, then: () => void, thread = -1): void {
    const file = this.#files.find(inode);
    if (file === undefined || file.isResizing) return then(); // The answer to SETATTR carries it.
    if (this.#isKnown(file, thread)) return then();
    if (this.#ids.idOf(inode) === undefined) {
      file.shownBytes = file.file.cache.sizeBytes; // The kernel is just about to be told of it.
      return then();
    }
    const again = () => this.settle({ inode }, then, thread);
    const { sizeBytes } = file.file.cache;
    if (sizeBytes % pageBytes === 0) return this.#tell(file, (isKnown) => (isKnown ? then() : again()));
    const page = pageAt(sizeBytes);
    const pin = this.#pins.next();
    const goOn = (action: () => void) => {
      this.#pins.unpin(file.file, pin);
      action();
    };
    const onPinned = () => {
      if (pageAt(file.file.cache.sizeBytes) !== page || this.#isKnown(file, thread)) return goOn(again);
      this.#tell(file, (isKnown) => goOn(isKnown ? then : again));
    };
    // Where the page cannot be had, whoever waits here is told so by what it wants itself.
    this.#pins.pin(file.file, pin, { mode: file.cacheMode, start: page, end: page + 1, kind: "hold" }, onPinned, then);
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

  /** `thread`: who asks for the size; -1 when nobody does. */
  #isKnown(file: MountFile, thread: number): boolean {
    if (file.sizeThread === thread && thread > 0) file.sizeThread = -1; // It runs: so the kernel knows.
    return file.shownBytes === file.file.cache.sizeBytes && (thread < 0 || file.sizeThread < 0);
  }

  /** Calls `then` when the kernel has said that it knows the size, or cannot take it now. */
  #tell(file: MountFile, then: (isKnown: boolean) => void): void {
    const waiters = this.#told.get(file);
    if (waiters !== undefined) {
      waiters.push(then);
      return;
    }
    this.#told.set(file, [then]);
    file.tellingFrom = pageAt(file.file.cache.sizeBytes);
    this.#reads.onTell(file, file.tellingFrom);
    this.#probe(file, 0);
  }

  #probe(file: MountFile, tries: number): void {
    const id = this.#ids.idOf(file.inode);
    const end = (isKnown: boolean) => {
      const waiters = this.#told.get(file) ?? [];
      this.#told.delete(file);
      file.tellingFrom = Number.POSITIVE_INFINITY;
      for (const waiter of waiters) waiter(isKnown);
    };
    if (id === undefined) return end(true);
    this.#probes.probe(id, tries < triesAtOnce ? 0 : 1, (seen) => {
      const { sizeBytes } = file.file.cache;
      file.tellingFrom = Math.min(file.tellingFrom, pageAt(sizeBytes));
      // Where inodes cannot be opened by handle, all answers carry the size.
      const isKnown = seen === sizeBytes || seen < 0;
      if (isKnown) {
        file.shownBytes = sizeBytes;
        file.sizeThread = -1;
      }
      if (isKnown || file.isResizing || tries >= triesMax) end(isKnown || file.isResizing);
      else this.#probe(file, tries + 1);
    });
  }
}
