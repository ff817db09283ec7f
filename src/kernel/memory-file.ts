import { check, Errno } from "./errno.js";
import { close, errno, fallocate, ftruncate, memfdCreate, mmap, munmap, pread, pwrite } from "./libc.js";
import { pageBytes } from "./page-size.js";

const mfdCloexec = 0x1;
const mfdNoexecSeal = 0x8;
const fallocKeepSize = 0x1;
const fallocPunchHole = 0x2;
const protReadWrite = 0x3;
const mapShared = 0x01;
const mapNoReserve = 0x4000;

/** Pages of one alias window: 1 GiB of address space, taken when first needed. Thousands of files have one each. */
const windowPages = 2 ** 18;
/** Windows that a file keeps: a sparse file of petabytes would use up the address space, or the kernel's map count. */
const windowsMax = 256;

/**
 * A memfd: one file's page cache. Its descriptor never leaves this object (R17): plain reads and writes on it raise no
 * fault event, and a hole there reads as zero.
 *
 * The alias is a mapping of the whole memfd that no userfaultfd watches: the pager receives into it and sends from it,
 * without a fault event and without being seen by the program.
 */
export class MemoryFile {
  readonly fd: number;
  /** Base addresses by window, the one used last at the end. */
  readonly #windows = new Map<number, number>();
  #windowLast = -1;
  #baseLast = 0;

  constructor(name: string, pageCount: number) {
    this.fd = createMemfd(name);
    check(ftruncate(this.fd, pageCount * pageBytes), "ftruncate");
  }

  /**
   * The alias address of a page. Addresses of neighbours are contiguous up to `contiguousEnd(page)`. An address is good
   * until 256 other windows have been used since: long enough for what is being received.
   */
  aliasAddress(page: number): number {
    const window = Math.floor(page / windowPages);
    if (window !== this.#windowLast) this.#use(window);
    return this.#baseLast + (page - window * windowPages) * pageBytes;
  }

  /** The first page after `page` whose alias address does not follow on. */
  contiguousEnd(page: number): number {
    return (Math.floor(page / windowPages) + 1) * windowPages;
  }

  /** Copies whole pages in from memory, allocating them. About 1 µs for a page. */
  write(page: number, from: number, byteLength: number): void {
    let done = 0;
    while (done < byteLength) {
      done += check(pwrite(this.fd, from + done, byteLength - done, page * pageBytes + done), "pwrite to the memfd");
    }
  }

  /** Copies pages out to memory; a hole reads as zeros. */
  read(page: number, to: number, byteLength: number): void {
    let done = 0;
    while (done < byteLength) {
      const count = check(pread(this.fd, to + done, byteLength - done, page * pageBytes + done), "pread of the memfd");
      if (count === 0) throw new RangeError(`page ${page} is past the end of the memfd`);
      done += count;
    }
  }

  /**
   * Drops pages from the cache and from every page table, privately written (COWed) pages excepted: the RFC's unmap and
   * evict in one. About 4 µs for one page, 1 µs a page in bulk.
   */
  punch(startPage: number, endPage: number): void {
    if (endPage <= startPage) return;
    check(
      fallocate(this.fd, fallocPunchHole | fallocKeepSize, startPage * pageBytes, (endPage - startPage) * pageBytes),
      "fallocate(PUNCH_HOLE)",
    );
  }

  close(): void {
    for (const base of this.#windows.values()) munmap(base, windowPages * pageBytes);
    this.#windows.clear();
    this.#windowLast = -1;
    close(this.fd);
  }

  #use(window: number): void {
    const base = this.#windows.get(window) ?? this.#mapWindow(window);
    this.#windows.delete(window);
    this.#windows.set(window, base);
    this.#windowLast = window;
    this.#baseLast = base;
  }

  #mapWindow(window: number): number {
    const bytes = windowPages * pageBytes;
    if (this.#windows.size >= windowsMax) {
      const [oldest, base] = this.#windows.entries().next().value as [number, number];
      munmap(base, bytes);
      this.#windows.delete(oldest);
    }
    return check(mmap(0, bytes, protReadWrite, mapShared | mapNoReserve, this.fd, window * bytes), "mmap of the alias");
  }
}

/** Of UTF-16, each at most three bytes: the kernel takes 249. */
const nameLengthMax = 80;

/** Not executable, as hardened kernels demand (vm.memfd_noexec = 2). Kernels before 6.3 do not know the flag. */
function createMemfd(path: string): number {
  const name = path.slice(-nameLengthMax); // Only for who looks into /proc.
  const fd = memfdCreate(name, mfdCloexec | mfdNoexecSeal);
  if (fd >= 0 || errno() !== Errno.EINVAL) return check(fd, "memfd_create");
  return check(memfdCreate(name, mfdCloexec), "memfd_create");
}
