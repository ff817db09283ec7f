import { type ByteOffset, pageAt, pageBytes, pageEndAt } from "../core/units.js";
import * as libc from "../kernel/libc.js";
import type { PageCache } from "../mapping/page-cache.js";

/** Copies bytes from memory into cached pages. Whoever calls holds the write token, and marks them dirty. */
export function copyIn(cache: PageCache, offset: ByteOffset, from: number, byteLength: number): void {
  for (let done = 0; done < byteLength; ) {
    const page = pageAt(offset + done);
    const inPage = offset + done - page * pageBytes;
    const count = Math.min(byteLength - done, (cache.contiguousEnd(page) - page) * pageBytes - inPage);
    libc.memcpy(cache.aliasAddress(page, Math.ceil(count / pageBytes)) + inPage, from + done, count);
    done += count;
  }
}

/**
 * Takes bytes from memory, under a write token: their pages become dirty. Pages that were not cached are replaced as a whole,
 * or were zeros.
 */
export function overwrite(cache: PageCache, offset: ByteOffset, from: number, byteLength: number): void {
  const [start, end] = [pageAt(offset), pageEndAt(offset + byteLength)];
  if (offset % pageBytes !== 0) zeroIfNew(cache, start);
  if ((offset + byteLength) % pageBytes !== 0) zeroIfNew(cache, end - 1);
  copyIn(cache, offset, from, byteLength);
  for (let page = cache.nextUncached(start, end); page < end; page = cache.nextUncached(page, end)) {
    cache.install(page, cache.nextCached(page, end), page, -1);
  }
  cache.markDirty(start, end);
}

function zeroIfNew(cache: PageCache, page: number): void {
  if (!cache.isCached(page)) libc.memset(cache.aliasAddress(page), 0, pageBytes);
}
