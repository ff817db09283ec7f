import {
  closeSync,
  constants,
  fchmodSync,
  fsyncSync,
  ftruncateSync,
  futimesSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { SystemError } from "../../src/kernel/errno.js";
import * as libc from "../../src/kernel/libc.js";
import { NativeBuffer } from "../../src/kernel/native-buffer.js";

/** A program that knows nothing of dmmap and uses files, each call of it in its one thread: what waits, keeps it waiting. */
const files = new Map<string, number>();
const maps = new Map<string, { address: number; view: Uint8Array }>();

const sharedReadWrite = [3, 1] as const;
const sharedRead = [1, 1] as const;
const syncWait = 4;
const fcntlNumber = process.arch === "arm64" ? 25 : 72;
const setLock = 6;
const setLockWait = 7;
const lockTypes = { shared: 0, exclusive: 1, none: 2 } as const;

function map(as: string, length: number, protection: number, flags: number): void {
  const address = libc.mmap(0, length, protection, flags, descriptor(as), 0);
  if (address === -1) throw new SystemError("mmap", libc.errno());
  maps.set(as, { address, view: new Uint8Array(libc.memoryView(address, length)) });
}

/** Ctrl-C ends it, as it ends a program in C: Node catches the signal, for which a thread in a page fault does not wake. */
const defaultAction = new NativeBuffer(4096);
succeed(libc.syscall(process.arch === "arm64" ? 134 : 13, 2, defaultAction.address, 0, 8, 0, 0), "rt_sigaction");

export const plainCommands = {
  open: ({ path, flags, as = "main" }: { path: string; flags: string; as?: string }) => {
    files.set(as, openSync(path, flags));
  },
  /** Open for reading and writing, made if need be. */
  edit: ({ path, as = "main" }: { path: string; as?: string }) => {
    files.set(as, openSync(path, constants.O_RDWR | constants.O_CREAT, 0o666));
  },
  close: ({ as = "main" }: { as?: string }) => closeSync(descriptor(as)),
  read: ({ at, length, as = "main" }: { at: number; length: number; as?: string }) => {
    const bytes = Buffer.alloc(length);
    return bytes.subarray(0, readSync(descriptor(as), bytes, 0, length, at)).toString("latin1");
  },
  write: ({ at, text, as = "main" }: { at: number | null; text: string; as?: string }) =>
    writeSync(descriptor(as), Buffer.from(text, "latin1"), 0, text.length, at),
  fill: ({ at, length, value, as = "main" }: { at: number; length: number; value: number; as?: string }) =>
    writeSync(descriptor(as), Buffer.alloc(length, value), 0, length, at),
  setMode: ({ mode, as = "main" }: { mode: number; as?: string }) => fchmodSync(descriptor(as), mode),
  /** Seconds since 1970. */
  setTime: ({ time, as = "main" }: { time: number; as?: string }) => futimesSync(descriptor(as), time, time),
  fsync: ({ as = "main" }: { as?: string }) => fsyncSync(descriptor(as)),
  truncate: ({ size, as = "main" }: { size: number; as?: string }) => ftruncateSync(descriptor(as), size),
  stat: ({ path }: { path: string }) => statSync(path).size,
  list: ({ path }: { path: string }) => readdirSync(path),
  rename: ({ from, to }: { from: string; to: string }) => renameSync(from, to),
  unlink: ({ path }: { path: string }) => unlinkSync(path),
  map: ({ length, as = "main" }: { length: number; as?: string }) => map(as, length, ...sharedReadWrite),
  mapRead: ({ length, as = "main" }: { length: number; as?: string }) => map(as, length, ...sharedRead),
  unmap: ({ as = "main" }: { as?: string }) => {
    const { address, view } = mapped(as);
    succeed(libc.munmap(address, view.length), "munmap");
    maps.delete(as);
  },
  store: ({ at, value, as = "main" }: { at: number; value: number; as?: string }) => {
    mapped(as).view[at] = value;
  },
  load: ({ at, as = "main" }: { at: number; as?: string }) => mapped(as).view[at],
  msync: ({ as = "main" }: { as?: string }) => {
    const { address, view } = mapped(as);
    succeed(libc.syscall(process.arch === "arm64" ? 227 : 26, address, view.length, syncWait, 0, 0, 0), "msync");
  },
  flock: ({ as = "main" }: { as?: string }) => succeed(libc.flock(descriptor(as), 2), "flock"),
  /** A lock of POSIX on a range. */
  lock: ({ start, length, type, wait, as = "main" }: LockArgs) => {
    const lock = new NativeBuffer(4096);
    lock.data.setInt16(0, lockTypes[type], true);
    lock.setUint64(8, start);
    lock.setUint64(16, length);
    succeed(libc.syscall(fcntlNumber, descriptor(as), wait ? setLockWait : setLock, lock.address, 0, 0, 0), "fcntl");
  },
  /** Many cheap calls on a file, and how many were interrupted (none). */
  flood: ({ path, count }: { path: string; count: number }) => {
    const fd = openSync(path, "r+");
    const byte = Buffer.alloc(1);
    for (let index = 0; index < count; index++) {
      writeSync(fd, byte, 0, 1, index % 65_536);
      readSync(fd, byte, 0, 1, (index * 7) % 65_536);
      if (index % 10 === 0) statSync(path);
      if (index % 50 === 0) closeSync(openSync(path, "r"));
    }
    closeSync(fd);
  },
};

interface LockArgs {
  start: number;
  length: number;
  type: keyof typeof lockTypes;
  wait: boolean;
  as?: string;
}

function descriptor(as: string): number {
  const fd = files.get(as);
  if (fd === undefined) throw new Error(`${as} is not open`);
  return fd;
}

function mapped(as: string): { address: number; view: Uint8Array } {
  const map = maps.get(as);
  if (map === undefined) throw new Error(`${as} is not mapped`);
  return map;
}

function succeed(result: number, call: string): void {
  if (result < 0) throw new SystemError(call, libc.errno());
}

interface Message {
  readonly id: number;
  readonly name: keyof typeof plainCommands;
  readonly args: never;
}

process.on("message", ({ id, name, args }: Message) => {
  try {
    process.send?.({ id, value: plainCommands[name](args) });
  } catch (thrown) {
    const { name: kind, message, stack, code } = thrown as Error & { code?: string };
    process.send?.({ id, error: { name: kind, message, stack, code } });
  }
});
process.send?.({ id: 0 });
