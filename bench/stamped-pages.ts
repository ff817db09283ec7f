import { open } from "node:fs/promises";
import { pageBytes } from "../src/core/units.js";

const chunkPages = 4096;
const wordsPerPage = pageBytes / 4;

/** The word at the start of each page of a stamped file; bench/reference/reference.h has the same. */
export function stampOf(page: number): number {
  return page + 1;
}

export async function writeStampedFile(path: string, pageCount: number): Promise<void> {
  const file = await open(path, "w");
  try {
    const chunk = new Uint32Array(chunkPages * wordsPerPage);
    for (let page = 0; page < pageCount; page += chunkPages) {
      const count = Math.min(chunkPages, pageCount - page);
      for (let index = 0; index < count; index++) chunk[index * wordsPerPage] = stampOf(page + index);
      await file.write(chunk, 0, count * pageBytes, page * pageBytes);
    }
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Every stride-th page, shuffled by a fixed seed: no order that a prefetcher could follow. As in reference.h. */
export function shuffledPages(count: number, stride: number): Float64Array {
  const pages = Float64Array.from({ length: count }, (_, index) => index * stride);
  const random = new Uint32Array([2463534242]);
  for (let index = count - 1; index > 0; index--) {
    random[0] ^= random[0] << 13;
    random[0] ^= random[0] >>> 17;
    random[0] ^= random[0] << 5;
    const other = random[0] % (index + 1);
    const kept = pages[index];
    pages[index] = pages[other];
    pages[other] = kept;
  }
  return pages;
}

/**
 * Touches pages, checking what they hold; `added` is what stores have added to each stamp.
 *
 * @returns microseconds for each page.
 */
export function touchPages(buffer: ArrayBufferLike, pages: Float64Array, added = 0): number {
  const words = new Uint32Array(buffer);
  const start = performance.now();
  for (let index = 0; index < pages.length; index++) {
    const page = pages[index];
    const word = words[page * wordsPerPage];
    if (word !== page + 1 + added) throw new Error(`page ${page} holds ${word}, expected ${page + 1 + added}`);
  }
  return ((performance.now() - start) * 1000) / pages.length;
}

/** Adds one to the stamp of each page. @returns microseconds for each. */
export function storeToPages(buffer: ArrayBufferLike, pages: Float64Array): number {
  const words = new Uint32Array(buffer);
  const start = performance.now();
  for (let index = 0; index < pages.length; index++) words[pages[index] * wordsPerPage] += 1;
  return ((performance.now() - start) * 1000) / pages.length;
}
