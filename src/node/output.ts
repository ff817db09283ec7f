import type { Frame } from "../core/wire/frame.js";
import { encodeHeader, headerBytes } from "../core/wire/frame.js";
import { NativeBuffer } from "../kernel/native-buffer.js";
import { transmit } from "../kernel/socket.js";

/** Room for write-backs under way; more waits until the home has taken some. */
const capacityBytes = 8 * 1024 * 1024;
/** Kept free of page data, so that tokens and control frames always find room. */
const reserveBytes = 1024 * 1024;

/** What has been written for the home and not yet taken by the socket: one linear buffer, sent from the front. */
export class Output {
  readonly #buffer = new NativeBuffer(capacityBytes);
  #head = 0;
  #tail = 0;
  #isShort = false;

  get pendingBytes(): number {
    return this.#tail - this.#head;
  }

  get isEmpty(): boolean {
    return this.#head === this.#tail;
  }

  /** Whether a frame with this much page data may be queued now. */
  hasRoom(payloadBytes: number): boolean {
    const used = this.#tail - this.#head;
    const fits = used + headerBytes + payloadBytes + reserveBytes <= capacityBytes;
    this.#isShort ||= !fits;
    return fits;
  }

  /** Whether somebody was refused room since this was last asked, and would find it now. */
  takeRoom(): boolean {
    if (!this.#isShort || !this.isEmpty) return false;
    this.#isShort = false;
    return true;
  }

  /** Appends a header. @returns false when even the reserve is used up: the home has stopped reading. */
  header(frame: Frame): boolean {
    if (!this.#fits(headerBytes)) return false;
    encodeHeader(frame, this.#buffer.data, this.#tail);
    this.#tail += headerBytes;
    return true;
  }

  /** Appends a header with a small payload. */
  frame(frame: Frame, payload: Uint8Array): boolean {
    frame.payloadBytes = payload.byteLength;
    if (!this.#fits(headerBytes + payload.byteLength)) return false;
    this.header(frame);
    this.#buffer.bytes.set(payload, this.#tail);
    this.#tail += payload.byteLength;
    return true;
  }

  /**
   * Where in `data` the payload of a frame may be written, of at most this length; then `put` appends that frame. -1 when even the
   * reserve is used up.
   */
  payloadAt(byteLengthMax: number): number {
    return this.#fits(headerBytes + byteLengthMax) ? this.#tail + headerBytes : -1;
  }

  get data(): DataView {
    return this.#buffer.data;
  }

  /** Appends a frame whose payload has been written already. */
  put(frame: Frame): void {
    encodeHeader(frame, this.#buffer.data, this.#tail);
    this.#tail += headerBytes + frame.payloadBytes;
  }

  /** Appends a header and leaves `frame.payloadBytes` behind it, to be filled at the address returned; ask `hasRoom` first. */
  pages(frame: Frame): number {
    this.#fits(headerBytes + frame.payloadBytes);
    this.header(frame);
    const address = this.#buffer.address + this.#tail;
    this.#tail += frame.payloadBytes;
    return address;
  }

  /** Sends what the socket takes. @returns 0, or the errno (negative) that ended it; EAGAIN means the socket is full. */
  send(fd: number): number {
    while (this.#head < this.#tail) {
      const count = transmit(fd, this.#buffer.address + this.#head, this.#tail - this.#head, false);
      if (count < 0) return count;
      this.#head += count;
    }
    this.clear();
    return 0;
  }

  clear(): void {
    this.#head = 0;
    this.#tail = 0;
  }

  #fits(byteLength: number): boolean {
    if (this.#tail + byteLength <= capacityBytes) return true;
    this.#buffer.bytes.copyWithin(0, this.#head, this.#tail);
    this.#tail -= this.#head;
    this.#head = 0;
    return this.#tail + byteLength <= capacityBytes;
  }
}
