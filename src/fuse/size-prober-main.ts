import { workerData } from "node:worker_threads";
import { ringEventFd } from "../kernel/event-fd.js";
import { OpenFlag } from "../kernel/folder.js";
import * as libc from "../kernel/libc.js";
import { NativeBuffer } from "../kernel/native-buffer.js";
import { type Notice, NoticeRing, type NoticeRingParts } from "./notice-ring.js";
import { SizeQuestion } from "./size-question.js";

/** What starts a thread that brings sizes home. In its ring, `offset` is for how many milliseconds it waits before, `byteLength` a SizeQuestion. */
export interface SizeProberSetup {
  readonly ring: NoticeRingParts;
  readonly mountPoint: string;
  /** An eventfd, rung after every probe. */
  readonly bell: number;
}

/** A file handle of FUSE: its number for the inode, high word first, and the generation (fs/fuse/inode.c). */
const handleBytes = 12;
const handleType = 0x81;
const statAt = 1024;
/** struct statx. */
const modeAt = 28;
const sizeAt = 40;
const kindMask = 0xf000;
const regular = 0x8000;
const nameAt = 512;
const emptyPath = 0x1000;
const askAnew = 0x2000;
const askNobody = 0x4000;
const kindAndSize = 0x201;
const seekEnd = 2;
const pause = new Int32Array(new SharedArrayBuffer(4));

function run({ ring: parts, mountPoint, bell }: SizeProberSetup): void {
  const ring = new NoticeRing(parts);
  const buffer = new NativeBuffer(4096);
  const notice: Notice = { node: 0, offset: 0, byteLength: 0 };
  ring.thread = libc.gettid();
  while (ring.next(notice)) {
    if (notice.offset > 0) Atomics.wait(pause, 0, 0, notice.offset);
    ring.finish(probe(mountPoint, buffer, notice));
    ringEventFd(bell);
  }
}

/**
 * The mount point is opened each time: a descriptor kept would keep the mount busy.
 *
 * @returns the size that the kernel knows in the end; -1 when it cannot be asked for this inode
 */
function probe(mountPoint: string, buffer: NativeBuffer, { node, byteLength: question }: Notice): number {
  const mount = libc.open(mountPoint, OpenFlag.readOnly | OpenFlag.closeOnExec, 0);
  if (mount < 0) return -1;
  buffer.uint32[0] = handleBytes;
  buffer.uint32[1] = handleType;
  buffer.uint32[2] = Math.floor(node / 0x1_0000_0000);
  buffer.uint32[3] = node % 0x1_0000_0000;
  buffer.uint32[4] = 0;
  const how = question === SizeQuestion.askLocked ? OpenFlag.readOnly : OpenFlag.path;
  const fd = libc.openByHandleAt(mount, buffer.address, how | OpenFlag.closeOnExec);
  libc.close(mount);
  if (fd < 0) return -1;
  const size = sizeOf(fd, buffer, question);
  libc.close(fd);
  return size;
}

/** The number of an inode is used again, for whatever kind of file; the kernel may know the former one still. */
function isRegular(fd: number, buffer: NativeBuffer): boolean {
  return statx(fd, buffer, askNobody) && (buffer.uint32[(statAt + modeAt) / 4] & kindMask) === regular;
}

/** Whoever asks is shown what the kernel was answered, whether it believes that or not; asked again, what it believes. */
function sizeOf(fd: number, buffer: NativeBuffer, question: number): number {
  if (question === SizeQuestion.try) return 0;
  if (!isRegular(fd, buffer)) return -1;
  if (question === SizeQuestion.askLocked) return libc.lseek(fd, 0, seekEnd);
  if (question === SizeQuestion.ask && !statx(fd, buffer, askAnew)) return -1;
  return statx(fd, buffer, askNobody) ? buffer.getUint64(statAt + sizeAt) : -1;
}

function statx(fd: number, { address }: NativeBuffer, how: number): boolean {
  return libc.statx(fd, address + nameAt, how | emptyPath, kindAndSize, address + statAt) === 0;
}

run(workerData as SizeProberSetup);
