import { workerData } from "node:worker_threads";
import { ringEventFd } from "../kernel/event-fd.js";
import * as libc from "../kernel/libc.js";
import { NativeBuffer, threadBuffers, unmapBuffers } from "../kernel/native-buffer.js";
import { KeptFiles } from "./kept-files.js";
import { type Notice, NoticeRing } from "./notice-ring.js";
import { keepsFile, ProbeQuestion } from "./probe-question.js";
import type { RingThreadSetup } from "./ring-thread.js";

/**
 * What starts a prober's thread, besides RingThreadSetup. In its ring, `offset` is for how many milliseconds it waits before,
 * `byteLength` a ProbeQuestion. It rings the bell also when it runs.
 */
export interface ProberOptions {
  readonly mountPoint: string;
  /** What `lookUp` is about, up to a NUL. */
  readonly probedName: Uint8Array;
}

const statAt = 1024;
/** struct statx. */
const modeAt = 28;
const sizeAt = 40;
const kindMask = 0xf000;
const regular = 0x8000;
const noNameAt = 512;
const nameAt = 2048;
const noFollow = 0x100;
const emptyPath = 0x1000;
const askAnew = 0x2000;
const askNobody = 0x4000;
const kindAndSize = 0x201;
const seekEnd = 2;
const pause = new Int32Array(new SharedArrayBuffer(4));

function run({ ring: parts, mountPoint, bell, probedName }: RingThreadSetup & ProberOptions): void {
  const ring = new NoticeRing(parts);
  const buffer = new NativeBuffer(4096);
  const files = new KeptFiles(mountPoint, buffer);
  const notice: Notice = { node: 0, offset: 0, byteLength: 0 };
  ring.thread = libc.gettid();
  ringEventFd(bell);
  while (ring.next(notice)) {
    if (notice.offset > 0) Atomics.wait(pause, 0, 0, notice.offset);
    buffer.bytes.set(probedName, nameAt);
    ring.finish(probe(files, buffer, notice));
    ringEventFd(bell);
  }
  files.letGo();
}

/** @returns the size that the kernel knows in the end; negative when it cannot be asked for this inode, of a name its errno */
function probe(files: KeptFiles, buffer: NativeBuffer, { node, byteLength }: Notice): number {
  const question = byteLength % keepsFile;
  const size = question === ProbeQuestion.letGo ? -1 : ask(files, buffer, node, question);
  if (size < 0) files.drop(node);
  if (byteLength < keepsFile) files.letGo();
  return size;
}

function ask(files: KeptFiles, buffer: NativeBuffer, node: number, question: number): number {
  const { fd, isNew } = files.get(node, question === ProbeQuestion.askLocked);
  if (fd < 0) return -1;
  if (question === ProbeQuestion.try) return 0;
  if (question === ProbeQuestion.lookUp) return statx(fd, buffer, nameAt, askNobody | noFollow) ? 0 : -libc.errno();
  return isNew && !isRegular(fd, buffer) ? -1 : sizeOf(fd, buffer, question);
}

/** The number of an inode is used again, for whatever kind of file; the kernel may know the former one still. */
function isRegular(fd: number, buffer: NativeBuffer): boolean {
  return (
    statx(fd, buffer, noNameAt, askNobody | emptyPath) && (buffer.uint32[(statAt + modeAt) / 4] & kindMask) === regular
  );
}

/** Whoever asks is shown what the kernel was answered, whether it believes that or not; asked again, what it believes. */
function sizeOf(fd: number, buffer: NativeBuffer, question: number): number {
  if (question === ProbeQuestion.askLocked) return libc.lseek(fd, 0, seekEnd);
  if (question === ProbeQuestion.ask && !statx(fd, buffer, noNameAt, askAnew | emptyPath)) return -1;
  return statx(fd, buffer, noNameAt, askNobody | emptyPath) ? buffer.getUint64(statAt + sizeAt) : -1;
}

function statx(fd: number, { address }: NativeBuffer, pathAt: number, how: number): boolean {
  return libc.statx(fd, address + pathAt, how, kindAndSize, address + statAt) === 0;
}

run(workerData as RingThreadSetup & ProberOptions);
unmapBuffers(threadBuffers());
