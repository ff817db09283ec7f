import { encodeName } from "./name-bytes.js";
import { NativeBuffer } from "./native-buffer.js";

/** Places in the scratch memory of system calls that take paths. Each path has room for 4095 bytes and its NUL. */
export const secondPathAt = 8192;
export const structAt = 16384;
export const statxAt = 16896;

let scratch: NativeBuffer | undefined;

/** One per thread, good until the next call of any verb. */
export function argument(): NativeBuffer {
  scratch ??= new NativeBuffer(5 * 4096);
  return scratch;
}

const encoder = new TextEncoder();

/** Writes a C string; one that stands for no bytes becomes the empty one, which names nothing. @returns its length. */
export function writePath(text: string, at: number): number {
  const { bytes } = argument();
  const room = bytes.subarray(at, at + 4095);
  const written = text.isWellFormed() ? encoder.encodeInto(text, room).written : writeEscaped(text, room);
  bytes[at + written] = 0;
  return written;
}

function writeEscaped(text: string, room: Uint8Array): number {
  const encoded = encodeName(text)?.subarray(0, room.length) ?? new Uint8Array(0);
  room.set(encoded);
  return encoded.length;
}

/**
 * Writes the path by which an open descriptor, O_PATH too, is reached anew: exactly what is open, a symbolic link
 * itself included, whatever has happened to its names.
 *
 * @returns its address
 */
export function writeDescriptorPath(fd: number, at: number): number {
  writePath(`/proc/self/fd/${fd}`, at);
  return argument().address + at;
}
