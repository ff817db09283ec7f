import { check } from "./errno.js";
import { madvise, mmap, munmap } from "./libc.js";
import type { MemoryFile } from "./memory-file.js";
import { pageBytes } from "./page-size.js";

const protReadWrite = 0x3;
const mapShared = 0x01;
const mapPrivate = 0x02;
const mapFixed = 0x10;
const mapAnonymous = 0x20;
const mapNoReserve = 0x4000;
const madvDontNeed = 4;
const madvDontFork = 10;

export type Sharing = "shared" | "private";

/**
 * A stretch of this process's address space that shows pages of a memfd: `pageCount` pages from `firstPage` on. All
 * verbs take page indexes of the file; addresses exist only inside `kernel/`, and in `address` for whoever builds the
 * program's ArrayBuffer.
 */
export class Region {
  readonly address: number;
  readonly firstPage: number;
  readonly pageCount: number;
  readonly sharing: Sharing;

  constructor(file: MemoryFile, firstPage: number, pageCount: number, sharing: Sharing) {
    this.firstPage = firstPage;
    this.pageCount = pageCount;
    this.sharing = sharing;
    const flags = (sharing === "shared" ? mapShared : mapPrivate) | mapNoReserve;
    this.address = check(
      mmap(0, pageCount * pageBytes, protReadWrite, flags, file.fd, firstPage * pageBytes),
      "mmap of a view",
    );
    // A forked child has no pager: its touch would wait for ever, or reach the memfd unseen.
    check(madvise(this.address, pageCount * pageBytes, madvDontFork), "madvise(DONTFORK)");
  }

  get endPage(): number {
    return this.firstPage + this.pageCount;
  }

  addressOf(page: number): number {
    return this.address + (page - this.firstPage) * pageBytes;
  }

  pageOf(address: number): number {
    return this.firstPage + Math.floor((address - this.address) / pageBytes);
  }

  /**
   * Takes pages out of this region's page tables. Shared: the page stays in the memfd, the next touch is a MINOR fault,
   * and the answer to it decides anew about write-protection. Private: COWed pages are destroyed, so only truncation may do it (R4, R5).
   */
  unmapPages(startPage: number, endPage: number): void {
    const start = Math.max(startPage, this.firstPage);
    const end = Math.min(endPage, this.endPage);
    if (end <= start) return;
    check(madvise(this.addressOf(start), (end - start) * pageBytes, madvDontNeed), "madvise(DONTNEED)");
  }

  /**
   * Puts inert zero pages in the region's place, in one atomic step (R19): a program that still holds a view reads zeros
   * and writes into nothing that anybody sees. The caller wakes threads that wait in a fault here.
   */
  replaceByZeros(): void {
    check(
      mmap(
        this.address,
        this.pageCount * pageBytes,
        protReadWrite,
        mapPrivate | mapFixed | mapAnonymous | mapNoReserve,
        -1,
        0,
      ),
      "mmap of the inert pages",
    );
  }

  /** Gives the addresses back. Nothing may hold a view of them any more. */
  release(): void {
    munmap(this.address, this.pageCount * pageBytes);
  }
}
