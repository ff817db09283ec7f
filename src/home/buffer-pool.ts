import { madvise } from "../kernel/libc.js";
import { NativeBuffer } from "../kernel/native-buffer.js";

const madvDontNeed = 4;

/** Native buffers of one size. They live as long as the process, so connections hand them on. */
export class BufferPool {
  readonly byteLength: number;
  readonly #free: NativeBuffer[] = [];

  constructor(byteLength: number) {
    this.byteLength = byteLength;
  }

  take(): NativeBuffer {
    return this.#free.pop() ?? new NativeBuffer(this.byteLength);
  }

  /** The memory behind it goes back to the system, the addresses stay. */
  give(buffer: NativeBuffer): void {
    madvise(buffer.address, buffer.bytes.byteLength, madvDontNeed);
    this.#free.push(buffer);
  }
}
