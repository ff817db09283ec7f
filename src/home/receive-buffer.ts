import { DmmapError } from "../core/error.js";
import { dataPagesMax, decodeHeader, type Frame, FrameType, headerBytes, requestBytesMax } from "../core/wire/frame.js";
import { lockPayloadMax } from "../core/wire/lock-frame.js";
import type { NativeBuffer } from "../kernel/native-buffer.js";
import { pageBytes } from "../kernel/page-size.js";
import { receive } from "../kernel/socket.js";

const frameBytesMax = headerBytes + dataPagesMax * pageBytes;
/** Two frames of the longest kind, so that there is always room behind a frame that is not complete. */
export const receiveBytes = 2 * frameBytesMax;

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** What has come in on one connection and has not been served yet. Page payloads are used where they lie. */
export class ReceiveBuffer {
  readonly #buffer: NativeBuffer;
  #begin = 0;
  #end = 0;

  constructor(buffer: NativeBuffer) {
    this.#buffer = buffer;
  }

  /** @returns bytes received, 0 at the end of the stream, or a negative errno. */
  fill(fd: number): number {
    if (this.#begin === this.#end) {
      this.#begin = 0;
      this.#end = 0;
    } else if (this.#begin + frameBytesMax > receiveBytes) {
      this.#buffer.bytes.copyWithin(0, this.#begin, this.#end);
      this.#end -= this.#begin;
      this.#begin = 0;
    }
    const count = receive(fd, this.#buffer.address + this.#end, receiveBytes - this.#end);
    if (count > 0) this.#end += count;
    return count;
  }

  /** Reads the next frame's header. @returns "partial" when not all of the frame is here; else "frame", or what is wrong. */
  peek(frame: Frame): "frame" | "partial" | { readonly problem: string } {
    const byteLength = this.#end - this.#begin;
    if (byteLength < headerBytes) return "partial";
    const problem = decodeHeader(this.#buffer.data, this.#begin, frame) ?? badPayload(frame);
    if (problem !== undefined) return { problem };
    return byteLength < headerBytes + frame.payloadBytes ? "partial" : "frame";
  }

  /** Where the payload of the frame last peeked at lies. */
  get payloadAddress(): number {
    return this.#buffer.address + this.payloadAt;
  }

  /** Throws DMMAP_PROTOCOL when it is no text. */
  payloadText(frame: Frame): string {
    try {
      return utf8.decode(this.#buffer.bytes.subarray(this.payloadAt, this.payloadAt + frame.payloadBytes));
    } catch (cause) {
      throw new DmmapError("DMMAP_PROTOCOL", "a text that is no UTF-8", { cause });
    }
  }

  get data(): DataView {
    return this.#buffer.data;
  }

  /** Where in `data` the payload of the frame last peeked at begins, for as long as that is being served. */
  get payloadAt(): number {
    return this.#begin + headerBytes;
  }

  /** The frame last peeked at has been served. */
  consume(frame: Frame): void {
    this.#begin += headerBytes + frame.payloadBytes;
  }

  clear(): void {
    this.#begin = 0;
    this.#end = 0;
  }
}

/** A node's frames are short but for page data: a home need not hold more for anybody. */
function badPayload({ type, payloadBytes }: Frame): string | undefined {
  if (type === FrameType.write || type === FrameType.restore || payloadBytes === 0) return undefined;
  if (type === FrameType.lock) return payloadBytes > lockPayloadMax ? `a lock of ${payloadBytes} bytes` : undefined;
  const mayCarryText = type === FrameType.hello || type === FrameType.request || type === FrameType.closing;
  if (!mayCarryText) return `${payloadBytes} bytes behind a frame of type ${type}, which carries none`;
  return payloadBytes > requestBytesMax ? `a request of ${payloadBytes} bytes, at most ${requestBytesMax}` : undefined;
}
