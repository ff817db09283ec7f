import { fileBytesMax, Mode, pageBytes, pageMax } from "../units.js";

/**
 * The wire: frames over one TCP connection between a node and its home, little endian. Every frame has the same 64-byte
 * header, so that a hot frame is read and written without a branch or an allocation; what follows is page data, a
 * lock, or, for the control frames, JSON in UTF-8.
 *
 * | at | type | field | |
 * |---:|---|---|---|
 * | 0 | u32 | frameBytes | header and payload |
 * | 4 | u8 | type | `FrameType` |
 * | 5 | u8 | mode | `Mode` |
 * | 6 | u8 | flags | `FrameFlag` |
 * | 7 | u8 | magic | 0xDA |
 * | 8 | u32 | file | the home's number for an open file; 0 in frames that concern none |
 * | 12 | u32 | request | pairs an answer with its question |
 * | 16 | f64 | start | token range, in pages |
 * | 24 | f64 | end | |
 * | 32 | f64 | dataStart | pages of the payload; in `acquire` the pages needed |
 * | 40 | f64 | dataEnd | |
 * | 48 | f64 | epoch | |
 * | 56 | f64 | extra | `acquire`, `grant`: end of the data wanted, or coming; `resize`, `grow`: size in bytes; `write`, `restore`: number of the duty; `release`: of the last |
 */
export const headerBytes = 64;
export const frameMagic = 0xda;
export const magicAt = 7;
export const protocolName = "dmmap";
export const protocolVersion = 1;
/** Data in one frame: at most 1 MiB, so that one stream cannot hold up a demand for long. */
export const dataPagesMax = 256;
export const payloadBytesMax = 4 * 1024 * 1024;
/** JSON in one frame from a node: a home need not hold more for anybody. */
export const requestBytesMax = 256 * 1024;
/** UTF-16 units of a path in a frame: it fits in, whatever it is made of, as JSON takes up to six bytes for one. */
export const pathLengthMax = 32_768;
/** JSON in one frame from a home. */
export const answerBytesMax = 512 * 1024;
/** What an answer lists is cut off at this, or goes on in the next: it leaves room for what stands around it. */
export const listBytesMax = answerBytesMax - 32 * 1024;

export const FrameType = {
  /** node → home, first frame. JSON `Hello`. */
  hello: 1,
  /** home → node. JSON `Welcome`. */
  welcome: 2,
  /** node → home: the lease lives. `extra` 1: it has been asked to give way, and will, but not yet. */
  ping: 3,
  /** home → node: answers the ping of this `request`; 0: unasked, the lease lives. */
  pong: 4,
  /** node → home: leaving; everything is given back. */
  goodbye: 5,
  /** Either way, last frame: why the connection is being closed. JSON `{ code, message }`. */
  closing: 6,
  /** node → home: a control request. JSON `{ op, ... }`. */
  request: 7,
  /** home → node: its answer. JSON. */
  reply: 8,
  /** home → node: a request of any kind failed. JSON `{ code, message }`. With a `file`: an `acquire` or `fetch`; 0: what was written. */
  failure: 9,
  /** node → home: token `mode` on [dataStart, dataEnd), as much of [start, end) as nobody contends, data up to `extra`. */
  acquire: 10,
  /** home → node: token `mode` on [start, end) at `epoch`; the payload is [dataStart, dataEnd). */
  grant: 11,
  /** node → home: pages [dataStart, dataEnd) under a token of `epoch`. */
  fetch: 12,
  /** home → node: pages [dataStart, dataEnd) as of `epoch`, answering `request`. */
  data: 13,
  /** node → home: dirty pages [dataStart, dataEnd). */
  write: 14,
  /** home → node: a `write` whose `request` is not 0, or a `stored`, has been taken (it is not on stable storage yet). */
  written: 15,
  /** home → node: keep no more than `mode` on [start, end), of grants up to `epoch`. [dataStart, dataEnd) is what the asker could use. */
  revoke: 16,
  /** node → home: keeps no more than `mode` on [start, end), of grants up to `epoch`. */
  release: 17,
  /** node → home: put all that was written to this file on stable storage. */
  sync: 18,
  /** home → node: done. */
  synced: 19,
  /** home → node: the file's size is now `extra`, as of `epoch`. */
  resize: 20,
  /** node → home: the resize of `epoch` is in force here. */
  resized: 21,
  /** node → home, reconnecting: holds `mode` on [start, end) since `epoch`. */
  claim: 22,
  /** node → home, reconnecting: pages [dataStart, dataEnd) as they were under a token of `epoch`, not known to be stable. */
  restore: 23,
  /** home → node: forget what was told of these on a lease. JSON `Recall`; `request` names it. */
  recall: 24,
  /** node → home: the recall of this `request` is in force, in the kernel too. */
  recalled: 25,
  /** node → home: sets or ends an advisory lock. The payload is `encodeLock`'s. */
  lock: 26,
  /** home → node: the lock of this `request` is set, or ended. */
  locked: 27,
  /** home → node: say by `claimLocks` all locks that are held on this `file`, and decide about none from then on. */
  recallLocks: 28,
  /** node → home, where that was left to it: it has made the file longer, `extra` bytes. Back, it says so again. */
  grow: 29,
  /** home → node: say how long you have made this `file`, leave sizes to the home from then on, and answer by this `epoch`. */
  recallGrowth: 30,
  /** node → home: the recall of this `epoch` is in force; 0: of its own accord. */
  growthEnded: 31,
  /** node → home: no program of it writes the file any more, until it opens it for that anew. */
  writingEnded: 32,
  /** node → home: programs have stored to the file; now is the time of its last change. */
  stored: 33,
} as const;
export type FrameType = (typeof FrameType)[keyof typeof FrameType];
export const frameTypeMax = FrameType.stored;

export const FrameFlag = {
  /** `grant`, `data`, `write`, `restore`: the pages are all zero and no payload follows. */
  zero: 1,
  /** `acquire`: the pages needed are not cached here, send them even if the token is held already. */
  needsData: 2,
  /** `grant`: the payload answers the request only in part; `data` frames with the same request follow. */
  more: 4,
  /** `grant`, `data`: the home has not put all of these pages on stable storage yet (R20). */
  unstable: 8,
  /** `locked`: until `recallLocks`, the node decides about the file's locks by itself. */
  delegated: 16,
  /** `sync`: nobody waits for it, so those for which somebody does go first. */
  background: 32,
  /** `acquire`: what was asked back of this node waits for it, so it goes before all others. */
  urgent: 64,
} as const;

/** One header, as a mutable record: each connection has one to decode into and one to encode from. */
export class Frame {
  type = 0;
  mode: Mode = Mode.none;
  flags = 0;
  file = 0;
  request = 0;
  start = 0;
  end = 0;
  dataStart = 0;
  dataEnd = 0;
  epoch = 0;
  extra = 0;
  payloadBytes = 0;

  /** Back to zeros, with this type. */
  reset(type: FrameType): this {
    this.type = type;
    this.mode = Mode.none;
    this.flags = 0;
    this.file = 0;
    this.request = 0;
    this.start = 0;
    this.end = 0;
    this.dataStart = 0;
    this.dataEnd = 0;
    this.epoch = 0;
    this.extra = 0;
    this.payloadBytes = 0;
    return this;
  }
}

export function encodeHeader(frame: Frame, into: DataView, at: number): void {
  into.setUint32(at, headerBytes + frame.payloadBytes, true);
  into.setUint8(at + 4, frame.type);
  into.setUint8(at + 5, frame.mode);
  into.setUint8(at + 6, frame.flags);
  into.setUint8(at + magicAt, frameMagic);
  into.setUint32(at + 8, frame.file, true);
  into.setUint32(at + 12, frame.request, true);
  into.setFloat64(at + 16, frame.start, true);
  into.setFloat64(at + 24, frame.end, true);
  into.setFloat64(at + 32, frame.dataStart, true);
  into.setFloat64(at + 40, frame.dataEnd, true);
  into.setFloat64(at + 48, frame.epoch, true);
  into.setFloat64(at + 56, frame.extra, true);
}

/**
 * Decodes and validates one header. A peer that sends what cannot be is cut off: the answer is the reason, in words.
 *
 * @returns undefined when the header is sound.
 */
export function decodeHeader(from: DataView, at: number, frame: Frame): string | undefined {
  const frameBytes = from.getUint32(at, true);
  if (from.getUint8(at + magicAt) !== frameMagic) return "not a dmmap frame";
  frame.type = from.getUint8(at + 4);
  frame.flags = from.getUint8(at + 6);
  frame.file = from.getUint32(at + 8, true);
  frame.request = from.getUint32(at + 12, true);
  frame.start = from.getFloat64(at + 16, true);
  frame.end = from.getFloat64(at + 24, true);
  frame.dataStart = from.getFloat64(at + 32, true);
  frame.dataEnd = from.getFloat64(at + 40, true);
  frame.epoch = from.getFloat64(at + 48, true);
  frame.extra = from.getFloat64(at + 56, true);
  frame.payloadBytes = frameBytes - headerBytes;

  const mode = from.getUint8(at + 5);
  if (mode > Mode.write) return `unknown token mode ${mode}`;
  frame.mode = mode as Mode;
  if (frame.type < 1 || frame.type > frameTypeMax) return `unknown frame type ${frame.type}`;
  if (frame.payloadBytes < 0) return `frame of ${frameBytes} bytes, shorter than its header`;
  if (frame.payloadBytes > payloadBytesMax) return `frame of ${frameBytes} bytes, longer than any may be`;
  if (!isRange(frame.start, frame.end)) return `bad page range ${frame.start}..${frame.end}`;
  if (!isRange(frame.dataStart, frame.dataEnd)) return `bad data range ${frame.dataStart}..${frame.dataEnd}`;
  if (!isCount(frame.epoch, fileBytesMax)) return `bad epoch ${frame.epoch}`;
  if (!isCount(frame.extra, fileBytesMax)) return `bad field ${frame.extra}`;
  return carriesPages(frame.type) ? checkPages(frame) : undefined;
}

const pageCarriers = new Set<number>([FrameType.grant, FrameType.data, FrameType.write, FrameType.restore]);

/** Whether the payload of such a frame is pages, not JSON. */
export function carriesPages(type: number): boolean {
  return pageCarriers.has(type);
}

function checkPages(frame: Frame): string | undefined {
  const pageCount = frame.dataEnd - frame.dataStart;
  if (pageCount > dataPagesMax) return `${pageCount} pages in one frame, at most ${dataPagesMax}`;
  const expected = (frame.flags & FrameFlag.zero) === 0 ? pageCount * pageBytes : 0;
  return frame.payloadBytes === expected
    ? undefined
    : `payload of ${frame.payloadBytes} bytes for ${pageCount} pages, expected ${expected}`;
}

function isRange(start: number, end: number): boolean {
  return isCount(start, pageMax) && isCount(end, pageMax) && start <= end;
}

function isCount(value: number, max: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= max;
}
