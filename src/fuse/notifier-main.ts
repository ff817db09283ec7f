import { workerData } from "node:worker_threads";
import { ringEventFd } from "../kernel/event-fd.js";
import * as libc from "../kernel/libc.js";
import { NativeBuffer } from "../kernel/native-buffer.js";
import { type Notice, NoticeRing, type NoticeRingParts } from "./notice-ring.js";
import { Notify, outHeaderBytes } from "./protocol.js";

/** What starts the notifier's thread. */
export interface NotifierSetup {
  readonly ring: NoticeRingParts;
  /** Of /dev/fuse. */
  readonly fd: number;
  /** An eventfd, rung after every notice. */
  readonly bell: number;
}

const inodeBytes = 24;

/**
 * Tells the kernel, one notice after the other. To drop pages is a write that sleeps until every page of the range has been
 * written back and dropped, for which the mount's own thread must go on answering: so it is not on that thread.
 */
function run({ ring: parts, fd, bell }: NotifierSetup): void {
  const ring = new NoticeRing(parts);
  const buffer = new NativeBuffer(4096);
  const notice: Notice = { node: 0, offset: 0, byteLength: 0 };
  buffer.setUint64(8, 0);
  while (ring.next(notice)) {
    ring.finish(invalidate(fd, buffer, notice));
    ringEventFd(bell);
  }
}

/** @returns 0, or an errno. */
function invalidate(fd: number, buffer: NativeBuffer, { node, offset, byteLength }: Notice): number {
  buffer.setUint64(outHeaderBytes, node);
  buffer.setUint64(outHeaderBytes + 8, offset);
  buffer.setUint64(outHeaderBytes + 16, byteLength);
  return send(fd, buffer, Notify.invalidateInode, inodeBytes);
}

/** ENOENT: the kernel does not know the inode any more, and has nothing of it. ENODEV: the mount is gone. */
function send(fd: number, buffer: NativeBuffer, code: number, bodyBytes: number): number {
  buffer.uint32[0] = outHeaderBytes + bodyBytes;
  buffer.int32[1] = code;
  return libc.write(fd, buffer.address, outHeaderBytes + bodyBytes) < 0 ? libc.errno() : 0;
}

run(workerData as NotifierSetup);
