import { check } from "./errno.js";
import { memoryView, mmap, munmap } from "./libc.js";

const protReadWrite = 0x3;
const mapPrivateAnonymous = 0x22;

/** Where a buffer is. */
export interface BufferPlace {
  readonly address: number;
  readonly byteLength: number;
}

/** Of this thread: each loads this module for itself. */
const places: BufferPlace[] = [];

/** Where all buffers of this thread are, for who sees to its end. */
export function threadBuffers(): readonly BufferPlace[] {
  return places;
}

/** Gives the buffers of a thread back that has ended: while it ran, it could still use them. */
export function unmapBuffers(ended: readonly BufferPlace[]): void {
  for (const { address, byteLength } of ended) munmap(address, byteLength);
}

/** Memory, not touched yet, that is this thread's as its buffers are, and is given back with them. @returns its address */
export function mapForThread(byteLength: number, flags = 0): number {
  const address = check(mmap(0, byteLength, protReadWrite, mapPrivateAnonymous | flags, -1, 0), "mmap");
  places.push({ address, byteLength });
  return address;
}

/**
 * Memory outside the JavaScript heap that both system calls (by address) and code (by view) can reach. It never moves
 * and lives as long as the process, or as its thread where that gives it back: allocate at start, not per event.
 */
export class NativeBuffer {
  readonly address: number;
  readonly bytes: Uint8Array;
  readonly data: DataView;
  readonly int32: Int32Array;
  readonly uint32: Uint32Array;

  constructor(byteLength: number) {
    const length = Math.ceil(byteLength / 4096) * 4096;
    this.address = mapForThread(length);
    const buffer = memoryView(this.address, length);
    this.bytes = new Uint8Array(buffer);
    this.data = new DataView(buffer);
    this.int32 = new Int32Array(buffer);
    this.uint32 = new Uint32Array(buffer);
  }

  /** A u64 at a byte offset that is a multiple of 4, as a number; the value must be below 2^53 (an address, an offset). */
  getUint64(byteOffset: number): number {
    const index = byteOffset / 4;
    return this.uint32[index] + this.uint32[index + 1] * 0x1_0000_0000;
  }

  /** Negative values too, as two's complement. */
  setUint64(byteOffset: number, value: number): void {
    const index = byteOffset / 4;
    this.uint32[index] = value % 0x1_0000_0000;
    this.uint32[index + 1] = Math.floor(value / 0x1_0000_0000);
  }
}
