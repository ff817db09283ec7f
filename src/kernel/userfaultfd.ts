import { check, Errno, errnoName, SystemError } from "./errno.js";
import * as libc from "./libc.js";
import { NativeBuffer } from "./native-buffer.js";
import { pageBytes } from "./page-size.js";
import { platformNumbers } from "./platform.js";
import type { Region } from "./region.js";

// Numbers from include/uapi/linux/userfaultfd.h; Debian's copy lacks the newer ones (POISON, CONTINUE_MODE_WP).
const ioctlApi = 0xc018aa3f;
const ioctlRegister = 0xc020aa00;
const ioctlUnregister = 0x8010aa01;
const ioctlWake = 0x8010aa02;
const ioctlCopy = 0xc028aa03;
const ioctlZeroPage = 0xc020aa04;
const ioctlWriteProtect = 0xc018aa06;
const ioctlContinue = 0xc020aa07;
const ioctlPoison = 0xc020aa08;
/** Of /dev/userfaultfd: makes a new descriptor with full service. */
const ioctlNew = 0xaa00;
const apiVersion = 0xaa;

export const Feature = {
  pagefaultFlagWp: 1 << 0,
  eventRemove: 1 << 3,
  missingShmem: 1 << 5,
  threadId: 1 << 8,
  minorShmem: 1 << 10,
  exactAddress: 1 << 11,
  wpShmem: 1 << 12,
  /** Of Linux 6.4, like UFFDIO_CONTINUE_MODE_WP, which has no feature bit of its own: its witness. */
  wpUnpopulated: 1 << 13,
  poison: 1 << 14,
} as const;

const featuresNeeded =
  Feature.pagefaultFlagWp | Feature.missingShmem | Feature.threadId | Feature.minorShmem | Feature.wpShmem;

const registerMissing = 1;
const registerWriteProtect = 2;
const registerMinor = 4;
const copyModeWriteProtect = 2;
const continueModeWriteProtect = 2;
const writeProtectModeOn = 1;
const writeProtectModeDontWake = 2;

export const FaultFlag = { write: 1, writeProtect: 2, minor: 4 } as const;

const eventPagefault = 0x12;
const messageBytes = 32;
const messagesMax = 256;

const openFlags = 0o2000000 | 0o4000; // O_CLOEXEC | O_NONBLOCK: poll answers POLLERR on a blocking userfaultfd
const userModeOnly = 1;

/**
 * What became of an ioctl: each errno is a race with a name, and each has its answer (never an abort).
 *
 * - `done`: all of it.
 * - `exists` (EEXIST): a page is there already. Somebody else was faster: wake the waiters, protect again if need be.
 * - `again` (EAGAIN): the address space is changing (fork, remap). Read events, then try again.
 * - `missing` (EFAULT from CONTINUE): no page in the memfd to map, it was punched meanwhile. Let the thread fault again.
 * - `unmapped` (ENOENT): no registered region there any more: it was closed.
 * - `gone` (ESRCH): the process is exiting.
 * - `short`: the first `lastProcessedPages` pages are done, then something above; ask again for the rest to learn what.
 */
export type Outcome = "done" | "exists" | "again" | "missing" | "unmapped" | "gone" | "short";

/** How the descriptor was got, from best to least. */
export type Access = "systemCall" | "device" | "userModeOnly";

const outcomes = new Map<number, Outcome>([
  [Errno.EEXIST, "exists"],
  [Errno.EAGAIN, "again"],
  [Errno.EFAULT, "missing"],
  [Errno.ENOENT, "unmapped"],
  [Errno.ESRCH, "gone"],
]);

/** Receives one fault. `page` is the page's index in the file; `flags` are `FaultFlag`s; `thread` is the Linux thread id. */
export type FaultSink = (region: Region, page: number, flags: number, thread: number) => void;

/** One userfaultfd and the regions registered with it. Only the thread that serves faults uses it. */
export class Userfaultfd {
  readonly fd: number;
  readonly access: Access;
  /** What this kernel offers, asked for or not. */
  readonly features: number;
  /** Pages that the last copy, zeroPages, continuePages or poison finished, whatever its outcome. */
  lastProcessedPages = 0;

  readonly #argument = new NativeBuffer(pageBytes);
  readonly #messages = new NativeBuffer(messagesMax * messageBytes);
  readonly #regions: Region[] = [];
  #lastRegion: Region | undefined;

  /**
   * @param access the way to open it; the best one by default.
   * @param extraFeatures `Feature`s beyond those that dmmap needs.
   * @throws an Error with the code DMMAP_UNSUPPORTED where there is none to be had, or an older one
   */
  constructor(access?: Access, extraFeatures = 0) {
    const opened = access === undefined ? openBest() : { fd: openBy(access), access };
    if (opened.fd < 0) throw refused(-opened.fd);
    this.fd = opened.fd;
    this.access = opened.access;
    try {
      const offered = probeFeatures(opened.access);
      if ((offered & Feature.wpUnpopulated) === 0) throw tooOld();
      this.features = handshake(this.fd, featuresNeeded | extraFeatures | (offered & Feature.poison));
    } catch (error) {
      libc.close(this.fd);
      throw error;
    }
  }

  get canPoison(): boolean {
    return (this.features & Feature.poison) !== 0;
  }

  /** Starts to watch a region: MISSING and MINOR faults, and write-protection on a shared one. */
  register(region: Region): void {
    const modes = registerMissing | registerMinor | (region.sharing === "shared" ? registerWriteProtect : 0);
    this.#setRange(region, region.firstPage, region.endPage);
    this.#argument.setUint64(16, modes);
    check(libc.ioctl(this.fd, ioctlRegister, this.#argument.address), "UFFDIO_REGISTER");
    this.#regions.splice(this.#indexAfter(region.address), 0, region);
  }

  /** Forgets a region whose memory has been replaced, and wakes whoever waited in a fault there. */
  forget(region: Region): void {
    this.#drop(region);
    this.wake(region, region.firstPage, region.endPage);
  }

  /** Stops watching while the mapping stays. For tests and for tools: a program could then reach the memfd unseen. */
  unregister(region: Region): void {
    this.#setRange(region, region.firstPage, region.endPage);
    check(libc.ioctl(this.fd, ioctlUnregister, this.#argument.address), "UFFDIO_UNREGISTER");
    this.#drop(region);
  }

  /**
   * Reads what faults are waiting, at most 256, without blocking, and gives each to the sink.
   *
   * @returns how many events were read; 0 when none waited.
   */
  readFaults(sink: FaultSink): number {
    const { fd } = this;
    const messages = this.#messages;
    const byteCount = libc.read(fd, messages.address, messagesMax * messageBytes);
    if (byteCount < 0) {
      const number = libc.errno();
      if (number === Errno.EAGAIN || number === Errno.EINTR) return 0;
      throw new SystemError("read of the userfaultfd", number);
    }
    const count = byteCount / messageBytes;
    for (let index = 0; index < count; index++) {
      const at = index * messageBytes;
      if (messages.bytes[at] !== eventPagefault) continue;
      const address = messages.getUint64(at + 16);
      const region = this.#regionAt(address);
      // A fault in a region that was closed while the event waited: `forget` woke its thread.
      if (region === undefined) continue;
      sink(region, region.pageOf(address), messages.uint32[(at + 8) / 4], messages.uint32[(at + 24) / 4]);
    }
    return count;
  }

  /** Lets threads that wait on these pages run again: they retry, and fault again where nothing was mapped. */
  wake(region: Region, startPage: number, endPage: number): void {
    this.#setRange(region, startPage, endPage);
    check(libc.ioctl(this.fd, ioctlWake, this.#argument.address), "UFFDIO_WAKE");
  }

  /** Maps pages that the memfd holds, write-protected or not, and wakes their waiters. */
  continuePages(region: Region, startPage: number, endPage: number, writeProtect: boolean): Outcome {
    this.#setRange(region, startPage, endPage);
    this.#argument.setUint64(16, writeProtect ? continueModeWriteProtect : 0);
    return this.#resolve(ioctlContinue, 24);
  }

  /** Copies pages from memory into the memfd and maps them. Shared regions only (R4). */
  copyPages(region: Region, startPage: number, endPage: number, from: number, writeProtect: boolean): Outcome {
    if (region.sharing !== "shared") throw new TypeError("R4: UFFDIO_COPY into a private region cuts it off the file");
    const argument = this.#argument;
    argument.setUint64(0, region.addressOf(startPage));
    argument.setUint64(8, from);
    argument.setUint64(16, (endPage - startPage) * pageBytes);
    argument.setUint64(24, writeProtect ? copyModeWriteProtect : 0);
    return this.#resolve(ioctlCopy, 32);
  }

  /** Puts zero pages into the memfd and maps them. Shared regions only (R4). */
  zeroPages(region: Region, startPage: number, endPage: number): Outcome {
    if (region.sharing !== "shared")
      throw new TypeError("R4: UFFDIO_ZEROPAGE in a private region cuts it off the file");
    this.#setRange(region, startPage, endPage);
    this.#argument.setUint64(16, 0);
    return this.#resolve(ioctlZeroPage, 24);
  }

  /**
   * Makes a touch of these pages raise SIGBUS, until `unmapPages` clears it; a punch does not. Needs Linux 6.6.
   *
   * The kernel poisons empty entries only, and the marker of a page that was punched while it was write-protected is
   * not empty: woken there, a thread would fault and be poisoned in vain for ever. So a shared region is cleared first
   * where that comes up. `exists`: a private region has a page of its own there (or any page: it is mapped).
   *
   * A later continuePages, copyPages or zeroPages replaces the poison: the caller must not answer a fault there.
   */
  poison(region: Region, startPage: number, endPage: number): Outcome {
    this.#setRange(region, startPage, endPage);
    this.#argument.setUint64(16, 0);
    const outcome = this.#resolve(ioctlPoison, 24);
    if (outcome !== "exists" || region.sharing !== "shared") return outcome;
    // In this order: a protected page must not be open to stores even for a moment. Unmapping leaves markers.
    region.unmapPages(startPage, endPage);
    const cleared = this.#setProtection(writeProtectModeDontWake);
    if (cleared !== "done") return cleared;
    this.#argument.setUint64(16, 0);
    return this.#resolve(ioctlPoison, 24);
  }

  /**
   * Protects mapped pages against stores (the next store is a wp-page fault), or lifts it and wakes the waiters.
   *
   * Give it the pages that may be mapped, not the whole region: the kernel fills page tables for every page of the range
   * and leaves a marker in each.
   */
  writeProtect(region: Region, startPage: number, endPage: number, on: boolean): Outcome {
    this.#setRange(region, startPage, endPage);
    return this.#setProtection(on ? writeProtectModeOn : 0);
  }

  close(): void {
    libc.close(this.fd);
  }

  #setRange(region: Region, startPage: number, endPage: number): void {
    this.#argument.setUint64(0, region.addressOf(startPage));
    this.#argument.setUint64(8, (endPage - startPage) * pageBytes);
  }

  #setProtection(mode: number): Outcome {
    this.#argument.setUint64(16, mode);
    if (libc.ioctl(this.fd, ioctlWriteProtect, this.#argument.address) === 0) return "done";
    return this.#outcomeOf(libc.errno(), "UFFDIO_WRITEPROTECT");
  }

  /** Runs an ioctl whose result field at `resultAt` holds the bytes done, or a negative errno. */
  #resolve(request: number, resultAt: number): Outcome {
    const argument = this.#argument;
    argument.setUint64(resultAt, 0);
    const failed = libc.ioctl(this.fd, request, argument.address) !== 0;
    const number = failed ? libc.errno() : 0;
    const processed = argument.int32[resultAt / 4 + 1] < 0 ? 0 : argument.getUint64(resultAt);
    this.lastProcessedPages = processed / pageBytes;
    if (!failed) return "done";
    // The kernel answers a partial success with EAGAIN and a positive count.
    if (number === Errno.EAGAIN && processed > 0) return "short";
    return this.#outcomeOf(number, "userfaultfd ioctl");
  }

  #outcomeOf(number: number, call: string): Outcome {
    const outcome = outcomes.get(number);
    if (outcome === undefined) throw new SystemError(call, number);
    return outcome;
  }

  #drop(region: Region): void {
    const index = this.#regions.indexOf(region);
    if (index >= 0) this.#regions.splice(index, 1);
    if (this.#lastRegion === region) this.#lastRegion = undefined;
  }

  #regionAt(address: number): Region | undefined {
    const last = this.#lastRegion;
    if (last !== undefined && holds(last, address)) return last;
    const found = this.#regions[this.#indexAfter(address) - 1];
    if (found === undefined || !holds(found, address)) return undefined;
    this.#lastRegion = found;
    return found;
  }

  /** Index of the first region that begins beyond this address; the regions are kept in the order of their addresses. */
  #indexAfter(address: number): number {
    let low = 0;
    let high = this.#regions.length;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (this.#regions[middle].address <= address) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Every way to open one, tried: 0 for those that work, else the errno. */
export function probeAccess(): Record<Access, number> {
  const result: Record<Access, number> = { systemCall: 0, device: 0, userModeOnly: 0 };
  for (const access of ["systemCall", "device", "userModeOnly"] as const) {
    const fd = openBy(access);
    if (fd >= 0) libc.close(fd);
    else result[access] = -fd;
  }
  return result;
}

function holds(region: Region, address: number): boolean {
  return address >= region.address && address < region.address + region.pageCount * pageBytes;
}

function openBest(): { fd: number; access: Access } {
  let fd = -1;
  for (const access of ["systemCall", "device", "userModeOnly"] as const) {
    fd = openBy(access);
    if (fd >= 0) return { fd, access };
  }
  return { fd, access: "userModeOnly" };
}

/** @returns the descriptor, or a negative errno. */
function openBy(access: Access): number {
  if (access === "device") {
    const device = libc.open("/dev/userfaultfd", 0o2000002, 0); // O_RDWR | O_CLOEXEC
    if (device < 0) return -libc.errno();
    const fd = libc.ioctl(device, ioctlNew, openFlags);
    const number = fd < 0 ? libc.errno() : 0;
    libc.close(device);
    return fd < 0 ? -number : fd;
  }
  const flags = openFlags | (access === "userModeOnly" ? userModeOnly : 0);
  const fd = libc.syscall(platformNumbers().userfaultfd, flags, 0, 0, 0, 0, 0);
  return fd < 0 ? -libc.errno() : fd;
}

/** What this kernel offers; 0 when that way is closed. A descriptor can shake hands once only, so a second one is asked. */
export function probeFeatures(access: Access): number {
  const fd = openBy(access);
  if (fd < 0) return 0;
  try {
    return handshake(fd, 0);
  } finally {
    libc.close(fd);
  }
}

let apiArgument: NativeBuffer | undefined;

/** @returns the features that the kernel offers. */
function handshake(fd: number, features: number): number {
  apiArgument ??= new NativeBuffer(pageBytes);
  const argument = apiArgument;
  argument.setUint64(0, apiVersion);
  argument.setUint64(8, features);
  if (libc.ioctl(fd, ioctlApi, argument.address) !== 0) {
    throw tooOld(new SystemError("UFFDIO_API", libc.errno()));
  }
  return argument.uint32[2];
}

function refused(number: number): Error {
  const message = `this process may not have a userfaultfd (${errnoName(number)}), without which it cannot map files`;
  return unsupported(message);
}

function tooOld(cause?: SystemError): Error {
  return unsupported(
    "this kernel's userfaultfd lacks what dmmap needs: minor faults and write-protection of shared memory " +
      "(Linux 6.4; on arm64, 6.10)",
    cause,
  );
}

function unsupported(message: string, cause?: SystemError): Error {
  return Object.assign(new Error(message, { cause }), { code: "DMMAP_UNSUPPORTED" });
}
