import { DmmapError } from "../error.js";
import { Mode, type PageIndex, pageMax } from "../units.js";
import { OwnerNames, ownerBytesMax, putOwner } from "./owner-names.js";
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
 * | | ASCII | owner | what is left, at most 64 bytes |
 */
const runsAt = 24;
const runBytes = 24;
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

const owners = new OwnerNames();

/**
 * Writes a lock's payload, of at most `lockPayloadMax` bytes.
 *
 * @returns its length
 */
export function encodeLock(lock: SetLock, into: DataView, at: number): number {
  into.setFloat64(at, lock.start, true);
  into.setFloat64(at + 8, lock.end ?? Number.POSITIVE_INFINITY, true);
  into.setUint32(at + 16, lock.pid, true);
  into.setUint8(at + 20, types.indexOf(lock.type));
  into.setUint8(at + 21, kinds.indexOf(lock.kind));
  into.setUint8(at + 22, (lock.wait ? waitFlag : 0) + (lock.inLine ? inLineFlag : 0));
  into.setUint8(at + 23, lock.pages.length);
  let next = at + runsAt;
  for (const { request, mode, start, end } of lock.pages) {
    into.setFloat64(next, start, true);
    into.setFloat64(next + 8, end, true);
    into.setUint32(next + 16, request, true);
    into.setUint32(next + 20, mode, true);
    next += runBytes;
  }
  return next + putOwner(lock.owner, into, next) - at;
}

/**
 * Reads the payload of `byteLength` bytes that lies at `at`.
 *
 * @param file the home's number, of the frame's header
 * @throws DMMAP_PROTOCOL when it is none, DMMAP_BAD_RANGE
 */
export function decodeLock(file: number, from: DataView, at: number, byteLength: number): SetLock {
  if (byteLength < runsAt) throw bad("no lock");
  const type = types[from.getUint8(at + 20)];
  const kind = kinds[from.getUint8(at + 21)];
  const how = from.getUint8(at + 22);
  const runs = from.getUint8(at + 23);
  const ownerAt = at + runsAt + runs * runBytes;
  const ownerBytes = at + byteLength - ownerAt;
  if (type === undefined || kind === undefined || how > waitFlag + inLineFlag) throw bad("a lock of no known kind");
  if (runs > wantedRunsMax || ownerBytes < 0 || ownerBytes > ownerBytesMax) throw bad("a lock of a wrong length");
  const pages: WantedPages[] = [];
  for (let next = at + runsAt; next < ownerAt; next += runBytes) pages.push(decodeRun(from, next));
  const [start, end] = [from.getFloat64(at, true), from.getFloat64(at + 8, true)];
  if (!isOffset(start) || !(end === Number.POSITIVE_INFINITY || isOffset(end))) {
    throw new DmmapError("DMMAP_BAD_RANGE", `no file has bytes ${start}..${end}`);
  }
  return {
    file,
    owner: owners.read(from, ownerAt, ownerBytes),
    kind,
    start,
    end: end === Number.POSITIVE_INFINITY ? null : end,
    type,
    pid: from.getUint32(at + 16, true),
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
