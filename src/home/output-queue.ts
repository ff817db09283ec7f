import { encodeHeader, type Frame, headerBytes } from "../core/wire/frame.js";
import { Errno } from "../kernel/errno.js";
import type { NativeBuffer } from "../kernel/native-buffer.js";
import { transmit } from "../kernel/socket.js";

/** Room for a few answers with pages and thousands of frames without; what is beyond it waits in the heap. */
export const outputBytes = 1024 * 1024;
/** A peer that lets this much pile up, although nothing more is read from it, is cut off. */
const spillBytesMax = 16 * 1024 * 1024;

/**
 * Frames on their way out of one connection, in order. They are built in native memory, where a page is read right
 * behind its header, so that both leave in one system call.
 */
export class OutputQueue {
  readonly #buffer: NativeBuffer;
  #begin = 0;
  #end = 0;
  /** What did not fit, in order, behind the buffer. Without pages: those are never made before there is room. */
  #spill: Uint8Array[] = [];
  #spillBytes = 0;

  constructor(buffer: NativeBuffer) {
    this.#buffer = buffer;
  }

  get isEmpty(): boolean {
    return this.#end === 0;
  }

  get isSpilling(): boolean {
    return this.#spill.length > 0;
  }

  get isOverfull(): boolean {
    return this.#spillBytes > spillBytesMax;
  }

  /** @returns where in `data` this many bytes may be built, then to be committed; -1 when there is no room now. */
  reserve(byteLength: number): number {
    return this.isSpilling || this.#end + byteLength > outputBytes ? -1 : this.#end;
  }

  commit(byteLength: number): void {
    this.#end += byteLength;
  }

  get data(): DataView {
    return this.#buffer.data;
  }

  get address(): number {
    return this.#buffer.address;
  }

  /** A frame whose payload, if any, is `payload`. */
  push(frame: Frame, payload?: Uint8Array): void {
    frame.payloadBytes = payload?.byteLength ?? 0;
    const byteLength = headerBytes + frame.payloadBytes;
    const at = this.reserve(byteLength);
    if (at < 0) return this.#pushBehind(frame, payload);
    encodeHeader(frame, this.#buffer.data, at);
    if (payload !== undefined) this.#buffer.bytes.set(payload, at + headerBytes);
    this.#end += byteLength;
  }

  /** Sends what the socket takes. @returns 0 when all is gone, EAGAIN when there is more, or the errno of a lost peer. */
  flush(fd: number): number {
    while (this.#end > 0) {
      const count = transmit(fd, this.#buffer.address + this.#begin, this.#end - this.#begin, false);
      if (count === -Errno.EINTR) continue;
      if (count < 0) return -count;
      this.#begin += count;
      if (this.#begin === this.#end) this.#refill();
    }
    return 0;
  }

  clear(): void {
    this.#begin = 0;
    this.#end = 0;
    this.#spill = [];
    this.#spillBytes = 0;
  }

  #pushBehind(frame: Frame, payload: Uint8Array | undefined): void {
    const bytes = new Uint8Array(headerBytes + frame.payloadBytes);
    encodeHeader(frame, new DataView(bytes.buffer), 0);
    if (payload !== undefined) bytes.set(payload, headerBytes);
    this.#spill.push(bytes);
    this.#spillBytes += bytes.byteLength;
  }

  /** The buffer is empty: takes in what waits behind it, a long answer in pieces. */
  #refill(): void {
    this.#begin = 0;
    this.#end = 0;
    if (!this.isSpilling) return;
    let taken = 0;
    for (const bytes of this.#spill) {
      const room = outputBytes - this.#end;
      if (room === 0) break;
      const part = bytes.subarray(0, room);
      this.#buffer.bytes.set(part, this.#end);
      this.#end += part.byteLength;
      if (part.byteLength < bytes.byteLength) {
        this.#spill[taken] = bytes.subarray(part.byteLength);
        break;
      }
      taken++;
    }
    this.#spill.splice(0, taken);
    this.#spillBytes -= this.#end;
  }
}
