import type { SystemTime } from "./facts.js";
import * as libc from "./libc.js";
import { decodeName } from "./name-bytes.js";
import { NativeBuffer } from "./native-buffer.js";
import { argument, secondPathAt, structAt, writeDescriptorPath, writePath } from "./path-argument.js";

// Of what is open as `fd`, by O_PATH too. All return 0, or a negative errno, unless they say otherwise.

const emptyPath = 0x1000;
const unchangedId = 0xffff_ffff;
const timeNow = 0x3fff_ffff;
const timeOmit = 0x3fff_fffe;
const currentFolder = -100;
const closeOnExec = 0o2000000;
/** XATTR_SIZE_MAX and XATTR_LIST_MAX. */
const xattrBytesMax = 65536;
const noNames: readonly string[] = [];
const xattrModes = { any: 0, create: 1, replace: 2 } as const;

/** Of a filesystem: in blocks, and in files. */
export interface SystemSpace {
  readonly blockSize: number;
  readonly blocks: number;
  readonly free: number;
  readonly available: number;
  readonly files: number;
  readonly filesFree: number;
  readonly nameMax: number;
}

let values: NativeBuffer | undefined;
function valueBuffer(): NativeBuffer {
  values ??= new NativeBuffer(xattrBytesMax);
  return values;
}

function errnoOf(result: number): number {
  return result >= 0 ? 0 : -libc.errno();
}

/** Opens once more, for what O_PATH does not give. @returns a descriptor, or a negative errno. */
export function reopen(fd: number, flags: number): number {
  const opened = libc.openat(currentFolder, writeDescriptorPath(fd, 0), flags + closeOnExec, 0);
  return opened >= 0 ? opened : -libc.errno();
}

export function changeMode(fd: number, mode: number): number {
  return errnoOf(libc.chmod(writeDescriptorPath(fd, 0), mode));
}

/** Undefined: stays. */
export function changeOwner(fd: number, uid: number | undefined, gid: number | undefined): number {
  writePath("", 0);
  const { address } = argument();
  return errnoOf(libc.fchownat(fd, address, uid ?? unchangedId, gid ?? unchangedId, emptyPath));
}

/** Undefined: stays. */
export function changeTimes(
  fd: number,
  atime: SystemTime | "now" | undefined,
  mtime: SystemTime | "now" | undefined,
): number {
  const path = writeDescriptorPath(fd, 0);
  return errnoOf(libc.utimensat(currentFolder, path, writeTimes(atime, mtime), 0));
}

/** As `changeTimes`, of a descriptor that is open for reading or writing: without a walk through /proc. */
export function setModified(fd: number, mtime: SystemTime | "now"): number {
  return errnoOf(libc.futimens(fd, writeTimes(undefined, mtime)));
}

function writeTimes(atime: SystemTime | "now" | undefined, mtime: SystemTime | "now" | undefined): number {
  const buffer = argument();
  for (const [index, time] of [atime, mtime].entries()) {
    const [seconds, nanoseconds] = time === "now" ? [0, timeNow] : (time ?? [0, timeOmit]);
    buffer.setUint64(structAt + index * 16, seconds);
    buffer.setUint64(structAt + index * 16 + 8, nanoseconds);
  }
  return buffer.address + structAt;
}

/** @returns the value, or a negative errno (ENODATA: there is none). */
export function readXattr(fd: number, name: string): Uint8Array | number {
  return readXattrOf(writeDescriptorPath(fd, 0), name);
}

/** As `readXattr`, without a walk through /proc, which takes three times as long; EBADF of O_PATH. */
export function readXattrOfOpen(fd: number, name: string): Uint8Array | number {
  const { address, bytes } = valueBuffer();
  writePath(name, secondPathAt);
  const count = libc.fgetxattr(fd, argument().address + secondPathAt, address, xattrBytesMax);
  return count < 0 ? -libc.errno() : bytes.slice(0, count);
}

/** As `readXattr`, of a name in an open folder. */
export function readXattrAt(folderFd: number, fileName: string, name: string): Uint8Array | number {
  return readXattrOf(writePathIn(folderFd, fileName), name);
}

/** @returns where it is. */
function writePathIn(folderFd: number, fileName: string): number {
  writePath(fileName, writePath(`/proc/self/fd/${folderFd}/`, 0));
  return argument().address;
}

function readXattrOf(path: number, name: string): Uint8Array | number {
  const { address, bytes } = valueBuffer();
  writePath(name, secondPathAt);
  const count = libc.getxattr(path, argument().address + secondPathAt, address, xattrBytesMax);
  return count < 0 ? -libc.errno() : bytes.slice(0, count);
}

/** At most 64 KiB. */
export function writeXattr(fd: number, name: string, value: Uint8Array, mode: keyof typeof xattrModes): number {
  const { address, bytes } = valueBuffer();
  bytes.set(value);
  const path = writeDescriptorPath(fd, 0);
  writePath(name, secondPathAt);
  const nameAddress = argument().address + secondPathAt;
  return errnoOf(libc.setxattr(path, nameAddress, address, value.length, xattrModes[mode]));
}

export function removeXattr(fd: number, name: string): number {
  const path = writeDescriptorPath(fd, 0);
  writePath(name, secondPathAt);
  return errnoOf(libc.removexattr(path, argument().address + secondPathAt));
}

/** @returns the names, or a negative errno. */
export function listXattrs(fd: number): readonly string[] | number {
  return namesIn(libc.listxattr(writeDescriptorPath(fd, 0), valueBuffer().address, xattrBytesMax));
}

/** As `listXattrs`, without a walk through /proc; EBADF of O_PATH. */
export function listXattrsOfOpen(fd: number): readonly string[] | number {
  return namesIn(libc.flistxattr(fd, valueBuffer().address, xattrBytesMax));
}

/** As `listXattrs`, of a name in an open folder; a symbolic link's own. */
export function listXattrsAt(folderFd: number, fileName: string): readonly string[] | number {
  return namesIn(libc.llistxattr(writePathIn(folderFd, fileName), valueBuffer().address, xattrBytesMax));
}

/** `count`: bytes that there are in the buffer for values. */
function namesIn(count: number): readonly string[] | number {
  if (count < 0) return -libc.errno();
  if (count === 0) return noNames;
  return decodeName(valueBuffer().bytes.subarray(0, count - 1)).split("\0");
}

/** @returns the target, as bytes, or a negative errno (EINVAL: no symbolic link). */
export function readLink(fd: number): Uint8Array | number {
  const { address, bytes } = argument();
  writePath("", 0);
  const count = libc.readlinkat(fd, address, address + secondPathAt, 4096);
  if (count >= 0) return bytes.slice(secondPathAt, secondPathAt + count);
  // An empty path is ENOENT where the descriptor is no link's.
  return -libc.errno();
}

/** @returns the room in the descriptor's filesystem, or a negative errno. */
export function spaceOf(fd: number): SystemSpace | number {
  const buffer = argument();
  if (libc.fstatfs(fd, buffer.address + structAt) !== 0) return -libc.errno();
  const word = (index: number) => buffer.getUint64(structAt + index * 8);
  return {
    blockSize: word(9) || word(1),
    blocks: word(2),
    free: word(3),
    available: word(4),
    files: word(5),
    filesFree: word(6),
    nameMax: word(8),
  };
}
