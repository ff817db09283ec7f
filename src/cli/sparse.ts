import { Errno } from "../kernel/errno.js";
import * as libc from "../kernel/libc.js";

const pageBytes = 4096;
const zeroPage = Buffer.alloc(pageBytes);
const seekData = 3;
const seekHole = 4;

/** [start, end) bytes. */
export interface ByteRun {
  readonly start: number;
  readonly end: number;
}

/** What of a local file is not a hole, by its filesystem's word; all of it where the filesystem does not know. */
export function* dataRuns(fd: number, sizeBytes: number): Generator<ByteRun> {
  for (let end = 0; end < sizeBytes; ) {
    const start = libc.lseek(fd, end, seekData);
    if (start < 0 && libc.errno() === Errno.ENXIO) return; // a hole from here to the end
    if (start < 0) return yield { start: end, end: sizeBytes };
    end = Math.min(libc.lseek(fd, start, seekHole), sizeBytes);
    if (start < end) yield { start, end };
  }
}

/** The stretches of `bytes` whose pages are not all zero. A page cut short at the end counts as a page. */
export function* nonZeroRuns(bytes: Uint8Array): Generator<ByteRun> {
  let start = -1;
  for (let at = 0; at < bytes.byteLength; at += pageBytes) {
    if (isZero(bytes.subarray(at, at + pageBytes))) {
      if (start >= 0) yield { start, end: at };
      start = -1;
    } else if (start < 0) start = at;
  }
  if (start >= 0) yield { start, end: bytes.byteLength };
}

function isZero(page: Uint8Array): boolean {
  return zeroPage.compare(page, 0, page.byteLength, 0, page.byteLength) === 0;
}
