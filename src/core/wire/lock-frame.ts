import { DmmapError } from "../error.js";
import { Mode, type PageIndex, pageMax } from "../units.js";
import type { SetLock } from "./tree-requests.js";

/**
 * The payload of a `lock` frame. Locks are set and ended thousands of times a second, so this is not JSON. Little endian:
 *
 * | at | type | field | |
 * |---:|---|---|---|
 * | 0 | f64 | start | first byte |
 * | 8 | f64 | end | behind the last byte; Infinity: however far the file goes |
 * | 16 | u32 | pid | |
 * | 20 | u8 | type | none, shared, exclusive |
 * | 21 | u8 | kind | posix, flock |
 * | 22 | u8 | how | 1: wait, 2: in line |
 * | 23 | u8 | pageRuns | |
 * | 24 | 24 each | pages | f64 start, f64 end, u32 request, u32 mode |
 * | | text | owner | what is left, at most 64 bytes |
 */
const runsAt = 24;
const runBytes = 24;
const ownerBytesMax = 64;
/** Of one lock; and pages of one run: no lock is to make the home read much. */
export const wantedRunsMax = 8;
export const wantedPagesMax = 16;
export const lockPayloadMax = runsAt + wantedRunsMax * runBytes + ownerBytesMax;

const types = ["none", "shared", "exclusive"] as const;
const kinds = ["posix", "flock"] as const;
const waitFlag = 1;
const inLineFlag = 2;

/** Pages that whoever gets the lock will want, and the request that a grant of them would answer. */
export interface WantedPages {
  readonly request: number;
  readonly mode: Mode;
  readonly start: PageIndex;
  readonly end: PageIndex;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** @returns the length of the payload, which is put at the beginning of `into`. */
export function encodeLock(lock: SetLock, into: Uint8Array): number {
  const view = new DataView(into.buffer, into.byteOffset, into.byteLength);
  view.setFloat64(0, lock.start, true);
  view.setFloat64(8, lock.end ?? Number.POSITIVE_INFINITY, true);
  view.setUint32(16, lock.pid, true);
  view.setUint8(20, types.indexOf(lock.type));
  view.setUint8(21, kinds.indexOf(lock.kind));
  view.setUint8(22, (lock.wait ? waitFlag : 0) + (lock.inLine ? inLineFlag : 0));
  view.setUint8(23, lock.pages.length);
  let at = runsAt;
  for (const { request, mode, start, end } of lock.pages) {
    view.setFloat64(at, start, true);
    view.setFloat64(at + 8, end, true);
    view.setUint32(at + 16, request, true);
    view.setUint32(at + 20, mode, true);
    at += runBytes;
  }
  return at + encoder.encodeInto(lock.owner, into.subarray(at, at + ownerBytesMax)).written;
}

/**
 * @param file the home's number, of the frame's header
 * @throws DMMAP_PROTOCOL when it is none, DMMAP_BAD_RANGE
 */
export function decodeLock(file: number, from: Uint8Array): SetLock {
  const view = new DataView(from.buffer, from.byteOffset, from.byteLength);
  if (from.byteLength < runsAt) throw bad("no lock");
  const type = types[view.getUint8(20)];
  const kind = kinds[view.getUint8(21)];
  const how = view.getUint8(22);
  const runs = view.getUint8(23);
  const ownerAt = runsAt + runs * runBytes;
  const ownerBytes = from.byteLength - ownerAt;
  if (type === undefined || kind === undefined || how > waitFlag + inLineFlag) throw bad("a lock of no known kind");
  if (runs > wantedRunsMax || ownerBytes < 0 || ownerBytes > ownerBytesMax) throw bad("a lock of a wrong length");
  const pages: WantedPages[] = [];
  for (let at = runsAt; at < ownerAt; at += runBytes) pages.push(decodeRun(view, at));
  const [start, end] = [view.getFloat64(0, true), view.getFloat64(8, true)];
  if (!isOffset(start) || !(end === Number.POSITIVE_INFINITY || isOffset(end))) {
    throw new DmmapError("DMMAP_BAD_RANGE", `no file has bytes ${start}..${end}`);
  }
  return {
    file,
    owner: decoder.decode(from.subarray(ownerAt)),
    kind,
    start,
    end: end === Number.POSITIVE_INFINITY ? null : end,
    type,
    pid: view.getUint32(16, true),
    wait: (how & waitFlag) !== 0,
    inLine: (how & inLineFlag) !== 0,
    pages,
  };
}

function decodeRun(view: DataView, at: number): WantedPages {
  const [start, end] = [view.getFloat64(at, true), view.getFloat64(at + 8, true)];
  const mode = view.getUint32(at + 20, true);
  const isRange = Number.isInteger(start) && Number.isInteger(end) && start >= 0 && end <= pageMax;
  if (!isRange || start >= end || end - start > wantedPagesMax) throw bad(`pages ${start}..${end} with a lock`);
  if (mode !== Mode.read && mode !== Mode.write) throw bad(`token mode ${mode} with a lock`);
  return { request: view.getUint32(at + 16, true), mode, start, end };
}

function isOffset(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function bad(message: string): DmmapError {
  return new DmmapError("DMMAP_PROTOCOL", message);
}
