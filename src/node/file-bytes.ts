import { type ByteOffset, pageAt, pageBytes } from "../core/units.js";
import * as libc from "../kernel/libc.js";
import type { PageCache } from "../mapping/page-cache.js";

/** Copies bytes from memory into cached pages. Whoever calls holds the write token, and marks them dirty. */
export function copyIn(cache: PageCache, offset: ByteOffset, from: number, byteLength: number): void {
  for (let done = 0; done < byteLength; ) {
    const page = pageAt(offset + done);
    const inPage = offset + done - page * pageBytes;
    const count = Math.min(byteLength - done, (cache.contiguousEnd(page) - page) * pageBytes - inPage);
    libc.memcpy(cache.aliasAddress(page) + inPage, from + done, count);
    done += count;
  }
}
