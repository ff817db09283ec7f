import { close, constants, fdatasync, fsync, open, writeSync } from "node:fs";
import type { MessagePort } from "node:worker_threads";
import { workerData } from "node:worker_threads";
import { encodeName } from "../kernel/name-bytes.js";

/** What the sync thread is asked: one file, and the folders whose entries must be down for its name to last. */
export interface SyncRequest {
  readonly sync: number;
  /** -1: no file, only folders. */
  readonly fd: number;
  /** Of the file not only what its content needs, but also owner, mode and the like. */
  readonly attributes: boolean;
  readonly folders: readonly string[];
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
  /** Counts the results whose ring is over: from then on the thread does not touch `wakeFd` for them. */
  readonly rung: Int32Array;
}

const { port, wakeFd, rung } = workerData as SyncThreadData;
const one = new Uint8Array(new BigUint64Array([1n]).buffer);

/** Several files sync at a time, on the thread pool of this thread's own event loop. */
port.on("message", (request: SyncRequest | "stop") => {
  if (request === "stop") port.close();
  else void serve(request);
});

async function serve({ sync, fd, attributes, folders }: SyncRequest): Promise<void> {
  const fileErrno = fd < 0 ? 0 : await syncFile(fd, attributes ? fsync : fdatasync);
  let folderErrno = 0;
  for (const folder of fileErrno === 0 ? folders : []) folderErrno ||= await syncFolder(folder);
  port.postMessage({ sync, fileErrno, folderErrno } satisfies SyncResult);
  writeSync(wakeFd, one);
  Atomics.add(rung, 0, 1);
  Atomics.notify(rung, 0);
}

function syncFile(fd: number, call: typeof fsync): Promise<number> {
  return new Promise((resolve) => call(fd, (error) => resolve(errnoOf(error))));
}

/** A folder that is gone, or a filesystem that has no such thing as syncing a folder, has nothing to put down. */
function syncFolder(path: string): Promise<number> {
  return new Promise((resolve) => {
    open(Buffer.from(encodeName(path) ?? []), constants.O_RDONLY | constants.O_DIRECTORY, (openError, fd) => {
      if (openError !== null)
        return resolve(openError.code === "ENOENT" || openError.code === "ENOTDIR" ? 0 : errnoOf(openError));
      fsync(fd, (error) => close(fd, () => resolve(error?.code === "EINVAL" ? 0 : errnoOf(error))));
    });
  });
}

function errnoOf(error: NodeJS.ErrnoException | null): number {
  return error === null ? 0 : Math.abs(error.errno ?? 5);
}
