import { workerData } from "node:worker_threads";
import { ringEventFd } from "../kernel/event-fd.js";
import * as libc from "../kernel/libc.js";
import { NativeBuffer } from "../kernel/native-buffer.js";
import { KeptFiles } from "./kept-files.js";
import { type Notice, NoticeRing, type NoticeRingParts } from "./notice-ring.js";
import { keepsFile, SizeQuestion } from "./size-question.js";

/** What starts a thread that brings sizes home. In its ring, `offset` is for how many milliseconds it waits before, `byteLength` a SizeQuestion. */
export interface SizeProberSetup {
  readonly ring: NoticeRingParts;
  readonly mountPoint: string;
  /** An eventfd, rung after every probe. */
  readonly bell: number;
}

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
  const files = new KeptFiles(mountPoint, buffer);
  const notice: Notice = { node: 0, offset: 0, byteLength: 0 };
  ring.thread = libc.gettid();
  while (ring.next(notice)) {
    if (notice.offset > 0) Atomics.wait(pause, 0, 0, notice.offset);
    ring.finish(probe(files, buffer, notice));
    ringEventFd(bell);
  }
  files.letGo();
}

/** @returns the size that the kernel knows in the end; -1 when it cannot be asked for this inode */
function probe(files: KeptFiles, buffer: NativeBuffer, { node, byteLength }: Notice): number {
  const question = byteLength % keepsFile;
  const size = question === SizeQuestion.letGo ? -1 : ask(files, buffer, node, question);
  if (size < 0) files.drop(node);
  if (byteLength < keepsFile) files.letGo();
  return size;
}

function ask(files: KeptFiles, buffer: NativeBuffer, node: number, question: number): number {
  const { fd, isNew } = files.get(node, question === SizeQuestion.askLocked);
  if (fd < 0) return -1;
  if (question === SizeQuestion.try) return 0;
  return isNew && !isRegular(fd, buffer) ? -1 : sizeOf(fd, buffer, question);
}

/** The number of an inode is used again, for whatever kind of file; the kernel may know the former one still. */
function isRegular(fd: number, buffer: NativeBuffer): boolean {
  return statx(fd, buffer, askNobody) && (buffer.uint32[(statAt + modeAt) / 4] & kindMask) === regular;
}

/** Whoever asks is shown what the kernel was answered, whether it believes that or not; asked again, what it believes. */
function sizeOf(fd: number, buffer: NativeBuffer, question: number): number {
  if (question === SizeQuestion.askLocked) return libc.lseek(fd, 0, seekEnd);
  if (question === SizeQuestion.ask && !statx(fd, buffer, askAnew)) return -1;
  return statx(fd, buffer, askNobody) ? buffer.getUint64(statAt + sizeAt) : -1;
}

function statx(fd: number, { address }: NativeBuffer, how: number): boolean {
  return libc.statx(fd, address + nameAt, how | emptyPath, kindAndSize, address + statAt) === 0;
}

run(workerData as SizeProberSetup);
