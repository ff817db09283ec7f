import { closeSync, constants, fdatasyncSync, fsyncSync, openSync, writeSync } from "node:fs";
import { constants as system } from "node:os";
import { type MessagePort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { encodeName } from "../kernel/name-bytes.js";

/** What a sync thread is asked: one file, and the folders whose entries must be down for its name to last. */
export interface SyncRequest {
  readonly sync: number;
  /** -1: no file, only folders. */
  readonly fd: number;
  /** Of the file not only what its content needs, but also owner, mode and the like. */
  readonly attributes: boolean;
  readonly folders: readonly string[];
}

/** A part of a request: the file comes with the first one, and the last one has the answer. */
export interface SyncPart extends SyncRequest {
  readonly isLast: boolean;
}

/** Each an errno, 0 for success. */
export interface SyncResult {
  readonly sync: number;
  readonly fileErrno: number;
  readonly folderErrno: number;
}

export interface SyncThreadData {
  readonly port: MessagePort;
  readonly wakeFd: number;
  /** Counts what this thread was asked, and "stop". */
  readonly asked: Int32Array;
  /** Counts the results whose ring is over, of all threads: from then on nobody touches `wakeFd` for them. */
  readonly rung: Int32Array;
}

/** No native calls of ours: a thread that is ended while it loads them takes the process with it. */
const { errno: Errno } = system;
/** As Linux numbers it: only names what the path leads to. */
const O_PATH = 0o10000000;
/** PATH_MAX, without its NUL. */
const pathBytesMax = 4095;
const { port, wakeFd, asked, rung } = workerData as SyncThreadData;
/** Of the request whose parts come just now. */
let fileErrno = 0;
let folderErrno = 0;
const one = new Uint8Array(new BigUint64Array([1n]).buffer);

for (let part = next(); part !== "stop"; part = next()) serve(part);
port.close();

/** Sleeps until there is something. Who asks wakes this thread by itself: no event loop stands between. */
function next(): SyncPart | "stop" {
  for (;;) {
    const seen = Atomics.load(asked, 0);
    const received = receiveMessageOnPort(port);
    if (received !== undefined) return received.message as SyncPart | "stop";
    Atomics.wait(asked, 0, seen);
  }
}

function serve({ sync, fd, attributes, folders, isLast }: SyncPart): void {
  if (fd >= 0) fileErrno = errnoOf(() => (attributes ? fsyncSync(fd) : fdatasyncSync(fd)));
  for (const folder of fileErrno === 0 ? folders : []) folderErrno ||= syncFolder(folder);
  if (!isLast) return;
  port.postMessage({ sync, fileErrno, folderErrno } satisfies SyncResult);
  fileErrno = 0;
  folderErrno = 0;
  writeSync(wakeFd, one);
  Atomics.add(rung, 0, 1);
  Atomics.notify(rung, 0);
}

/** A folder that is gone, or a filesystem that has no such thing as syncing a folder, has nothing to put down. */
function syncFolder(path: string): number {
  let fd = -1;
  const openErrno = errnoOf(() => {
    fd = openFolder(Buffer.from(encodeName(path) ?? []));
  });
  if (openErrno !== 0) return openErrno === Errno.ENOENT || openErrno === Errno.ENOTDIR ? 0 : openErrno;
  const errno = errnoOf(() => fsyncSync(fd));
  errnoOf(() => closeSync(fd)); // What counts has been said by fsync; a throw would end the thread, and who waits would wait on.
  return errno === Errno.EINVAL ? 0 : errno;
}

/** In parts, each of no more bytes than the kernel takes. Throws as `openSync`. */
function openFolder(path: Buffer): number {
  let left = path;
  let above = -1;
  try {
    while (left.length > pathBytesMax) {
      const cut = left.lastIndexOf("/", pathBytesMax);
      const fd = openSync(left.subarray(0, cut), O_PATH | constants.O_DIRECTORY);
      if (above >= 0) closeSync(above);
      above = fd;
      left = Buffer.concat([Buffer.from(`/proc/self/fd/${fd}`), left.subarray(cut)]);
    }
    return openSync(left, constants.O_RDONLY | constants.O_DIRECTORY);
  } finally {
    if (above >= 0) closeSync(above);
  }
}

/** @returns 0 when it works. */
function errnoOf(act: () => void): number {
  try {
    act();
    return 0;
  } catch (error) {
    return Math.abs((error as NodeJS.ErrnoException).errno ?? Errno.EIO);
  }
}
