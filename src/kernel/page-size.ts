import { getpagesize } from "./libc.js";

/** Bytes of a page: the unit of faults, tokens and transfers. Part of the protocol, so the same on every machine. */
export const pageBytes = 4096;

/** Throws on a kernel whose pages are not 4 KiB (some arm64 kernels): faults there could not be answered page by page. */
export function assertPageSize(): void {
  const actual = getpagesize();
  if (actual !== pageBytes) {
    throw new Error(`dmmap needs a kernel with 4096-byte pages; this one has ${actual}. Boot a 4K-page kernel.`);
  }
}
