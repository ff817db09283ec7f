import { DmmapError } from "../core/error.js";
import type { Epoch, PageIndex } from "../core/units.js";
import { encodeHeader, Frame, FrameFlag, FrameType, headerBytes } from "../core/wire/frame.js";
import { pageBytes } from "../kernel/page-size.js";
import { type HomeCounters, type HomeNodeCounters, newHomeNodeCounters } from "../observe/status.js";
import { isZeroPage } from "../store/page-file.js";
import type { StoreFile } from "../store/store.js";
import type { OutputQueue } from "./output-queue.js";

/** Pages of one frame: few enough that a demand is never far behind, enough that a scan runs at the wire's speed. */
const chunkPages = 64;
const zeroChunkPages = 256;

export interface PageSource {
  readonly number: number;
  readonly file: StoreFile;
  /** Whether any of these pages is not on stable storage yet (R20). */
  isUnstable(start: PageIndex, end: PageIndex): boolean;
}

/** The rest of an answer, made when the socket has room: so memory does not follow what is asked for. */
interface Stream {
  readonly source: PageSource;
  readonly request: number;
  readonly epoch: Epoch;
  next: PageIndex;
  end: PageIndex;
}

/** Sends pages of files over one connection: the first of an answer at once, the rest as the socket takes them. */
export class PageSender {
  readonly #output: OutputQueue;
  readonly #counters: HomeCounters;
  /** Of the node at the other end, once it has a session. */
  nodeCounters: HomeNodeCounters = newHomeNodeCounters();
  readonly #frame = new Frame();
  #streams: Stream[] = [];

  constructor(output: OutputQueue, counters: HomeCounters) {
    this.#output = output;
    this.#counters = counters;
  }

  get streamCount(): number {
    return this.#streams.length;
  }

  get streamPages(): number {
    return this.#streams.reduce((pages, stream) => pages + stream.end - stream.next, 0);
  }

  /**
   * Sends `frame`, a grant or data, with pages from `start` on; at least up to `end` in `data` frames behind it. It goes
   * ahead of all other answers under way. A grant whose pages cannot be read goes without: the node will fetch them, and
   * then learn why not.
   */
  send(frame: Frame, source: PageSource, start: PageIndex, firstEnd: PageIndex, end: PageIndex): void {
    let next = start;
    let last = end;
    try {
      const chunkEnd = Math.min(firstEnd, start + zeroChunkPages);
      if (start < chunkEnd) next = this.#place(frame, source, start, chunkEnd, end);
    } catch (error) {
      if (frame.type !== FrameType.grant) return this.#fail(source, frame.request, error);
      last = start;
    }
    if (next === start) {
      frame.dataStart = start;
      frame.dataEnd = start;
      frame.flags = start < last ? FrameFlag.more : 0;
      this.#output.push(frame);
    }
    // In front: somebody waits in a fault for this one, the others are readahead more often than not.
    if (next < last) this.#streams.unshift({ source, request: frame.request, epoch: frame.epoch, next, end: last });
  }

  /** Builds the next piece of an answer, for an output that is empty. @returns false when no answer is under way. */
  pump(): boolean {
    const stream = this.#streams[0];
    if (stream === undefined) return false;
    const frame = this.#dataFrame(stream);
    try {
      const chunkEnd = Math.min(stream.end, stream.next + zeroChunkPages);
      stream.next = this.#place(frame, stream.source, stream.next, chunkEnd, stream.end);
      if (stream.next === stream.end) this.#streams.shift();
    } catch (error) {
      this.#streams.shift();
      this.#fail(stream.source, stream.request, error);
    }
    return true;
  }

  /**
   * R9: nothing of this range is sent any more. An answer under way ends before it; the node asks for the rest anew.
   * Call before the revoke is sent.
   */
  cut(source: PageSource, start: PageIndex, end: PageIndex): void {
    if (this.#streams.length === 0) return;
    this.#streams = this.#streams.filter((stream) => {
      if (stream.source !== source || stream.next >= end || stream.end <= start) return true;
      this.#counters.cutStreams++;
      stream.end = Math.max(stream.next, start);
      if (stream.end > stream.next) return true;
      this.#output.push(this.#dataFrame(stream));
      return false;
    });
  }

  clear(): void {
    this.#streams = [];
  }

  #dataFrame({ source, request, epoch, next }: Stream): Frame {
    const frame = this.#frame.reset(FrameType.data);
    frame.file = source.number;
    frame.request = request;
    frame.epoch = epoch;
    frame.dataStart = next;
    frame.dataEnd = next;
    return frame;
  }

  /** Puts pages from `start` on into the output, behind the frame's header. @returns where they end: `start`, without room. */
  #place(frame: Frame, source: PageSource, start: PageIndex, chunkEnd: PageIndex, end: PageIndex): PageIndex {
    const { file } = source;
    let last = chunkEnd;
    if (chunkEnd - start > 1) {
      const data = file.nextData(start, chunkEnd);
      if (data > start) return this.#placeZeros(frame, source, start, data, end);
      last = file.nextHole(start, Math.min(chunkEnd, start + chunkPages));
    }
    const output = this.#output;
    const at = output.reserve(headerBytes + (last - start) * pageBytes);
    if (at < 0) return start;
    const to = output.address + at + headerBytes;
    last = readable(file, start, last, to);
    const byteLength = (last - start) * pageBytes;
    if (last - start === 1 && isZeroPage(to)) return this.#placeZeros(frame, source, start, last, end);
    setPages(frame, start, last, (last < end ? FrameFlag.more : 0) + unstableFlag(source, start, last));
    frame.payloadBytes = byteLength;
    encodeHeader(frame, output.data, at);
    output.commit(headerBytes + byteLength);
    this.#counters.dataBytes += byteLength;
    this.nodeCounters.dataBytes += byteLength;
    return last;
  }

  #placeZeros(frame: Frame, source: PageSource, start: PageIndex, last: PageIndex, end: PageIndex): PageIndex {
    const more = last < end ? FrameFlag.more : 0;
    setPages(frame, start, last, FrameFlag.zero + more + unstableFlag(source, start, last));
    this.#output.push(frame);
    this.#counters.zeroPages += last - start;
    return last;
  }

  #fail(source: PageSource, request: number, error: unknown): void {
    if (!(error instanceof DmmapError)) throw error;
    const frame = this.#frame.reset(FrameType.failure);
    frame.file = source.number;
    frame.request = request;
    this.#output.push(frame, Buffer.from(JSON.stringify({ code: error.code, message: error.message })));
  }
}

/** Reads [start, last), or the first page of it where something else in it cannot be read. @returns the end of what was read. */
function readable(file: StoreFile, start: PageIndex, last: PageIndex, to: number): PageIndex {
  try {
    file.read(start, last, to);
    return last;
  } catch (error) {
    if (last - start === 1) throw error;
    file.read(start, start + 1, to);
    return start + 1;
  }
}

function unstableFlag(source: PageSource, start: PageIndex, end: PageIndex): number {
  return source.isUnstable(start, end) ? FrameFlag.unstable : 0;
}

function setPages(frame: Frame, start: PageIndex, end: PageIndex, flags: number): void {
  frame.dataStart = start;
  frame.dataEnd = end;
  frame.flags = flags;
}
