import * as libc from "../kernel/libc.js";
import type { NativeBuffer } from "../kernel/native-buffer.js";
import type { Notice } from "./notice-ring.js";
import { Notify, outHeaderBytes } from "./protocol.js";

const bytes = outHeaderBytes + 24;

/**
 * Tells the kernel what to drop of an inode. Of pages that sleeps until all are written back and dropped.
 *
 * @returns 0, or an errno. ENOENT: the kernel does not know the inode any more, and has nothing of it. ENODEV: the mount is gone
 */
export function invalidateInode(fd: number, buffer: NativeBuffer, { node, offset, byteLength }: Notice): number {
  buffer.uint32[0] = bytes;
  buffer.int32[1] = Notify.invalidateInode;
  buffer.setUint64(8, 0);
  buffer.setUint64(outHeaderBytes, node);
  buffer.setUint64(outHeaderBytes + 8, offset);
  buffer.setUint64(outHeaderBytes + 16, byteLength);
  return libc.write(fd, buffer.address, bytes) < 0 ? libc.errno() : 0;
}
