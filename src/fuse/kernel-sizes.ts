import { type ByteOffset, type Micros, pageAt, pageBytes, pageEndAt, pageMax } from "../core/units.js";
import { nowMicros } from "../kernel/clock.js";
import type { Pins } from "../node/pins.js";
import type { FileReads } from "./file-reads.js";
import type { MountFile } from "./mount-file.js";
import type { MountFiles } from "./mount-files.js";
import type { NodeIds } from "./node-ids.js";
import { ProbeQuestion } from "./probe-question.js";
import type { Probes } from "./probes.js";
import { Opcode } from "./protocol.js";
import type { Request } from "./request.js";
import { covers, endOf, type WaitingRequests } from "./waiting-requests.js";

/** How often the kernel is asked at once whether it knows a size by now; after that, every millisecond. */
const triesAtOnce = 10;
/**
 * For how long. It is busy with a write, or a change of the size, which ends; but that may wait for a host that waits for the last
 * page, which is kept here meanwhile.
 */
const tellMicrosMax = 100_000;

interface Waiter {
  readonly onEnd: (isKnown: boolean) => void;
  /** Whether it waits for writes that are in the way. */
  readonly isPatient: boolean;
}

/** A file of which the kernel is being told the size. */
interface Telling {
  /** Who waits for that; nobody any more when it took too long, and a prober is at it still. */
  waiters: Waiter[];
  until: Micros;
  tries: number;
  /** That are under way: mostly one. */
  probes: number;
  /** A prober has waited for the lock for too long: by now for somebody of whom this mount does not know that he has it. */
  isOverdue: boolean;
}

/**
 * Has the kernel of this mount know the sizes of open files that others change, before such a change is complete: else a map
 * of a file that has grown gives SIGBUS, and private pages of one that was cut and grown again come back (R5).
 *
 * The kernel takes a size from any answer with attributes in it. A moment later, under no lock, it zeroes what it has cached
 * behind that size in its last page, and drops the pages behind (fuse_change_attributes, fs/fuse/inode.c): which is right for
 * the size of that moment, and destroys what was written behind it meanwhile. So sizes are brought home by a thread that asks
 * for them. All other answers repeat what the kernel knows already.
 *
 * Others do not write there, since their token stays here until that is done. Nor do programs of this mount:
 *
 * 1. The kernel is answered with a size, and takes it. 2. A program writes behind it, into the page that the kernel has. 3. The
 * kernel zeroes that, at last; perhaps before the bytes are sent here, so that they are lost.
 *
 * Therefore that thread asks by a seek to the end, which takes the lock that writes take. Where a request is waiting here that
 * has the lock, it need not, as long as that is not answered.
 */
export class KernelSizes {
  readonly #files: MountFiles;
  readonly #ids: NodeIds;
  readonly #probes: Probes;
  readonly #reads: FileReads;
  readonly #pins: Pins;
  readonly #waiting: WaitingRequests;
  readonly #wakeAt: (deadline: Micros) => void;
  readonly #tellings = new Map<MountFile, Telling>();

  constructor(
    files: MountFiles,
    ids: NodeIds,
    reads: FileReads,
    pins: Pins,
    kernel: { readonly probes: Probes; readonly waiting: WaitingRequests },
    wakeAt: (deadline: Micros) => void,
  ) {
    this.#files = files;
    this.#ids = ids;
    this.#probes = kernel.probes;
    this.#waiting = kernel.waiting;
    this.#reads = reads;
    this.#pins = pins;
    this.#wakeAt = wakeAt;
  }

  /** The size of an open file has changed: calls `done` when the kernel lives by it, or cannot show the former one. */
  onResize(file: MountFile, from: ByteOffset, to: ByteOffset, done: () => void): void {
    const id = this.#ids.idOf(file.inode);
    if (id === undefined || file.isResizing || this.#waiting.isAllocating(file.inode)) return done();
    if (to < from) this.#cut(file, to, done);
    else if (this.#waiting.isWriting(file.inode, to) || file.writing.reaches(to)) done();
    else if (this.#mayBeMapped(file, from, to)) this.#dropTail(file, from, () => this.#tellGrowth(file, done));
    // The kernel asks for the size when a read goes beyond what it knows.
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
    const write = this.#inTheWay(file);
    if (write !== undefined) return whenAnswered(write, again);
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

  /**
   * A write has come. A prober that waits for the inode's lock waits for it, which may wait for whoever waits for that prober: so
   * another one asks without.
   */
  onWrite(file: MountFile): void {
    const telling = this.#tellings.get(file);
    if (telling === undefined || telling.waiters.length === 0) return;
    if (this.#giveWay(file, telling) && this.#isUnlocked(file, telling)) this.#probe(file, telling);
  }

  /** Whether the kernel may be told the size of this inode by now, when a prober asks: nobody makes it obsolete. */
  isTelling(inode: number): boolean {
    const file = this.#files.find(inode);
    return file === undefined || (this.#tellings.get(file)?.waiters.length ?? 0) > 0;
  }

  /** Gives up what took too long. @returns when to look again. */
  onTime(now: Micros): Micros {
    let next = Number.POSITIVE_INFINITY;
    for (const [file, telling] of this.#tellings) {
      if (now >= telling.until) {
        telling.isOverdue = file.isAskedLocked;
        this.#end(file, telling, false);
      } else next = Math.min(next, telling.until);
    }
    return next;
  }

  /** Whether there may be maps that have to reach further now. Who maps a file has opened it, and hears of its size with that. */
  #mayBeMapped(file: MountFile, from: ByteOffset, to: ByteOffset): boolean {
    return pageAt(to) >= pageEndAt(from) && this.#files.isUsed(file);
  }

  /** Stores of programs behind the former end of the file, in its last page, do not become part of it (R7). */
  #dropTail(file: MountFile, from: ByteOffset, then: () => void): void {
    const page = pageAt(from);
    if (from % pageBytes === 0) return then();
    if (!this.#waiting.isLocked(file.inode, page)) return file.whenDropped(page, page + 1, then);
    file.whenDropped(page, page + 1, () => undefined); // It cannot be dropped before that request is answered.
    then();
  }

  /** What the kernel cannot take before somebody is answered who waits for this in turn, it is told after that. */
  #tellGrowth(file: MountFile, done: () => void): void {
    this.#tell(file, (isKnown) => {
      done();
      if (!isKnown) this.settle(file, () => undefined);
    });
  }

  /**
   * The kernel drops what is cut off when it comes to know the size. For the last page it may have to wait, since a request
   * keeps that locked which is answered after this change; then the size is in force, but that page has to be dropped.
   */
  #cut(file: MountFile, to: ByteOffset, done: () => void): void {
    const page = pageAt(to);
    this.#reads.onCut(file);
    file.kernel.reread.mayDrop(page, pageMax);
    if (!this.#waiting.isLocked(file.inode, page)) return this.#tell(file, done, true);
    this.#tell(file, () => file.whenDropped(page, page + 1, () => undefined), true);
    file.whenDropped(pageEndAt(to), pageMax, done);
  }

  /** `thread`: who asks for the size; -1 when nobody does. */
  #isKnown(file: MountFile, thread: number): boolean {
    if (file.sizeThread === thread && thread > 0) file.sizeThread = -1; // It runs: so the kernel knows.
    return file.shownBytes === file.file.cache.sizeBytes && (thread < 0 || file.sizeThread < 0);
  }

  /** Calls `then` when the kernel has said that it knows the size, or cannot take it now. */
  #tell(file: MountFile, then: (isKnown: boolean) => void, isPatient = false): void {
    const until = Number.POSITIVE_INFINITY;
    const begun: Telling = { waiters: [], until, tries: 0, probes: 0, isOverdue: false };
    const telling = this.#tellings.get(file) ?? begun;
    telling.waiters.push({ onEnd: then, isPatient });
    if (telling.waiters.length === 1) {
      this.#tellings.set(file, telling);
      telling.tries = 0;
      telling.until = nowMicros() + tellMicrosMax;
      this.#wakeAt(telling.until);
      file.tellingFrom = pageAt(file.file.cache.sizeBytes);
      this.#reads.onTell(file, file.tellingFrom);
    }
    if (telling.probes === 0 || this.#isUnlocked(file, telling)) this.#probe(file, telling);
  }

  #end(file: MountFile, telling: Telling, isKnown: boolean, isOver = (_waiter: Waiter) => true): void {
    const over = telling.waiters.filter(isOver);
    telling.waiters = telling.waiters.filter((waiter) => !over.includes(waiter));
    if (telling.waiters.length === 0) {
      telling.until = Number.POSITIVE_INFINITY;
      file.tellingFrom = Number.POSITIVE_INFINITY;
    }
    for (const { onEnd } of over) onEnd(isKnown);
  }

  /** Where a write is in the way, nobody waits but who has to. @returns whether anybody waits still */
  #giveWay(file: MountFile, telling: Telling): boolean {
    if (this.#inTheWay(file) !== undefined) this.#end(file, telling, false, ({ isPatient }) => !isPatient);
    return telling.waiters.length > 0;
  }

  #probe(file: MountFile, telling: Telling): void {
    const node = this.#ids.idOf(file.inode);
    if (node === undefined || file.isResizing) {
      if (telling.probes === 0) this.#tellings.delete(file);
      return this.#end(file, telling, true);
    }
    if (!this.#giveWay(file, telling)) {
      if (telling.probes === 0) this.#tellings.delete(file);
      return;
    }
    const question = this.#question(file, telling);
    const delayMillis = telling.tries++ < triesAtOnce ? 0 : 1;
    telling.probes++;
    if (question === ProbeQuestion.ask) file.beginAsk();
    if (question === ProbeQuestion.askLocked) file.isAskedLocked = true;
    const onDone = (seenBytes: number) => {
      telling.probes--;
      if (question === ProbeQuestion.ask) file.endAsk();
      if (question === ProbeQuestion.askLocked) file.isAskedLocked = telling.isOverdue = false;
      this.#probed(file, telling, seenBytes);
    };
    this.#probes.probe({ node, delayMillis, question, keepsFile: this.#files.isUsed(file), onDone });
  }

  /** Whether a prober waits for the lock, and another one can ask without. */
  #isUnlocked(file: MountFile, telling: Telling): boolean {
    return file.isAskedLocked && telling.probes === 1 && this.#question(file, telling) === ProbeQuestion.ask;
  }

  #question(file: MountFile, { isOverdue }: Telling): ProbeQuestion {
    const { sizeBytes } = file.file.cache;
    const isAnswered = file.shownBytes === sizeBytes && file.sizeThread >= 0;
    // Whoever has the answer makes the kernel know it; but it may not have believed a prober's.
    if (isAnswered && !this.#probes.isProber({ thread: file.sizeThread })) return ProbeQuestion.look;
    const holder = this.#waiting.lockHolder(file.inode);
    const mayLock = !isOverdue || !this.#waiting.mayBeLocked(file.inode);
    if (holder === undefined) return file.isWriteOpen && mayLock ? ProbeQuestion.askLocked : ProbeQuestion.ask;
    if (holder.opcode === Opcode.getattr) return ProbeQuestion.ask; // It waits for this.
    return holder.opcode === Opcode.write && this.#inTheWay(file) === undefined
      ? ProbeQuestion.ask
      : ProbeQuestion.look;
  }

  /**
   * A write through the kernel's cache, if it makes the file longer: then the kernel takes no size before it is answered. Or may have
   * a page locked that the kernel needs for that. It may wait for the home, or for another host, which wait for this:
   *
   * 1. A program here appends, and its write waits for the page in which the file ends. 2. The host that has the page makes the file
   * longer. The home waits until all mounts live by the new size, before it lets anybody have that page.
   */
  #inTheWay(file: MountFile): Request | undefined {
    const holder = this.#waiting.lockHolder(file.inode);
    if (holder?.opcode !== Opcode.write || holder.isDirect) return undefined;
    const isInTheWay = endOf(holder) > file.shownBytes || covers(holder, pageAt(file.file.cache.sizeBytes));
    return isInTheWay ? holder : undefined;
  }

  #probed(file: MountFile, telling: Telling, seenBytes: number): void {
    const { sizeBytes } = file.file.cache;
    // Where inodes cannot be opened by handle, all answers carry the size.
    const isKnown = seenBytes === sizeBytes || seenBytes < 0;
    if (isKnown) {
      file.shownBytes = sizeBytes;
      file.sizeThread = -1;
    }
    if (isKnown) this.#end(file, telling, true);
    if (telling.probes > 0 && !this.#isUnlocked(file, telling)) return;
    if (telling.waiters.length > 0) {
      file.tellingFrom = Math.min(file.tellingFrom, pageAt(sizeBytes));
      this.#probe(file, telling);
    } else if (telling.probes === 0) this.#tellings.delete(file);
  }
}

/** Calls `act` after whatever else happens then. */
function whenAnswered(request: Request, act: () => void): void {
  const { onDone } = request;
  request.onDone = () => {
    onDone?.();
    act();
  };
}
