import { NativeBuffer } from "../kernel/native-buffer.js";

/** The longest answer that is composed here. What programs read goes to the kernel straight from the page cache. */
export const answerBytesMax = 256 * 1024;

let buffer: NativeBuffer | undefined;

/** Where answers are composed, one at a time: each is sent before the next begins. */
export function answerBuffer(): NativeBuffer {
  buffer ??= new NativeBuffer(answerBytesMax);
  return buffer;
}
