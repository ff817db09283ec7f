import { answerBytesMax, decodeHeader, type Frame, frameMagic, headerBytes, magicAt } from "../core/wire/frame.js";
import * as libc from "../kernel/libc.js";
import { NativeBuffer } from "../kernel/native-buffer.js";
import { receive } from "../kernel/socket.js";

/** So that there is always room for the longest answer behind what has been served. */
const stagingBytes = 2 * answerBytesMax;
/** Received at a time where a header is awaited: room for a page and its header, and little of a long payload to copy. */
const headReadBytes = 16 * 1024;
const eagain = -11;

/** Where a payload goes. */
export interface InputSink {
  /**
   * A header has come. @returns the address where `frame.payloadBytes` bytes are to be received, or 0 for a payload that
   * is small and wanted as a view (`onFrame` gets it).
   */
  payloadAddress(frame: Frame): number;
  /** The frame is complete. `payload` is a view that holds only during the call; empty if it went to an address. */
  onFrame(frame: Frame, payload: Uint8Array): void;
}

/**
 * Cuts the byte stream from the home into frames. Headers and small payloads pass through a staging buffer; a large
 * payload is received straight into the memory that `payloadAddress` names (a mapping's alias), without a copy.
 */
export class Input {
  readonly #staging = new NativeBuffer(stagingBytes);
  readonly #frame: Frame;
  readonly #sink: InputSink;
  #head = 0;
  #tail = 0;
  #inPayload = false;
  #address = 0;
  #received = 0;
  #isReset = false;

  constructor(frame: Frame, sink: InputSink) {
    this.#frame = frame;
    this.#sink = sink;
  }

  /**
   * Reads what is there and hands every complete frame on.
   *
   * @returns 0 when no more waits, a negative errno, 1 at the end of the stream, or a text: why the stream is not ours.
   */
  read(fd: number): number | string {
    this.#isReset = false;
    while (!this.#isReset) {
      const direct = this.#inPayload && this.#address !== 0 && this.#head === this.#tail;
      const wanted = direct ? this.#frame.payloadBytes - this.#received : Math.min(this.#makeRoom(), headReadBytes);
      const to = direct ? this.#address + this.#received : this.#staging.address + this.#tail;
      const count = receive(fd, to, wanted);
      if (count === 0) return 1;
      if (count < 0) return count === eagain ? 0 : count;
      if (direct) {
        this.#received += count;
        if (this.#received === this.#frame.payloadBytes) this.#finish(emptyPayload);
      } else {
        this.#tail += count;
        const wrong = this.#parse();
        if (wrong !== undefined) return wrong;
      }
      if (count < wanted) return 0;
    }
    return 0;
  }

  /** Forgets what was half received; also from within `onFrame`, where the connection may be found broken. */
  reset(): void {
    this.#isReset = true;
    this.#head = 0;
    this.#tail = 0;
    this.#inPayload = false;
  }

  #makeRoom(): number {
    if (this.#head === this.#tail) {
      this.#head = 0;
      this.#tail = 0;
    } else if (this.#tail > stagingBytes / 2) {
      this.#staging.bytes.copyWithin(0, this.#head, this.#tail);
      this.#tail -= this.#head;
      this.#head = 0;
    }
    return stagingBytes - this.#tail;
  }

  #parse(): string | undefined {
    for (;;) {
      if (!this.#inPayload) {
        if (this.#tail - this.#head < headerBytes) return this.#isForeign() ? "not a dmmap frame" : undefined;
        const wrong = decodeHeader(this.#staging.data, this.#head, this.#frame);
        if (wrong !== undefined) return wrong;
        this.#head += headerBytes;
        this.#inPayload = true;
        this.#received = 0;
        this.#address = this.#frame.payloadBytes === 0 ? 0 : this.#sink.payloadAddress(this.#frame);
        if (this.#address === 0 && this.#frame.payloadBytes > answerBytesMax) return "control frame too long";
      }
      if (!this.#takePayload()) return undefined;
    }
  }

  /** Told from its first bytes: who speaks something else may say less than a header, and then wait. */
  #isForeign(): boolean {
    return this.#tail - this.#head > magicAt && this.#staging.bytes[this.#head + magicAt] !== frameMagic;
  }

  /** @returns whether the payload was complete. */
  #takePayload(): boolean {
    const { payloadBytes } = this.#frame;
    const there = Math.min(payloadBytes - this.#received, this.#tail - this.#head);
    if (this.#address === 0) {
      if (there < payloadBytes) return false;
      const payload = this.#staging.bytes.subarray(this.#head, this.#head + payloadBytes);
      this.#head += payloadBytes;
      this.#finish(payload);
      return true;
    }
    libc.memcpy(this.#address + this.#received, this.#staging.address + this.#head, there);
    this.#received += there;
    this.#head += there;
    if (this.#received < payloadBytes) return false;
    this.#finish(emptyPayload);
    return true;
  }

  #finish(payload: Uint8Array): void {
    this.#inPayload = false;
    this.#sink.onFrame(this.#frame, payload);
  }
}

const emptyPayload = new Uint8Array(0);
