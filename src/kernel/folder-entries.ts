import * as libc from "./libc.js";
import { NativeBuffer } from "./native-buffer.js";
import { argument, secondPathAt, writeDescriptorPath, writePath } from "./path-argument.js";

// Names in open folders (O_PATH is enough, but for `namesIn`). A name is one component. All return 0, or a negative errno.

/** O_RDWR, O_CREAT, O_EXCL, O_NOCTTY, O_CLOEXEC. */
const newFile = 0o2 + 0o100 + 0o200 + 0o400 + 0o2000000;
const removeFolderFlag = 0x200;
const followFlag = 0x400;
const currentFolder = -100;
const moveFlags = { replace: 0, noReplace: 1, exchange: 2 } as const;
const kindBits = { file: 0o100000, fifo: 0o010000, socket: 0o140000, character: 0o020000, block: 0o060000 } as const;
const listBytes = 256 * 1024;
type NodeKind = keyof typeof kindBits;
type MoveFlags = keyof typeof moveFlags;

let entries: NativeBuffer | undefined;

function errnoOf(result: number): number {
  return result >= 0 ? 0 : -libc.errno();
}

/** Writes a name at the beginning of the scratch memory. @returns its address */
function nameArgument(name: string): number {
  writePath(name, 0);
  return argument().address;
}

/** A new file, open for reading and writing. @returns a descriptor, or a negative errno (EEXIST). */
export function makeFileAt(folderFd: number, name: string, mode: number): number {
  const fd = libc.openat(folderFd, nameArgument(name), newFile, mode);
  return fd >= 0 ? fd : -libc.errno();
}

/** The mode is subject to the process's umask here and below. */
export function makeFolderAt(folderFd: number, name: string, mode: number): number {
  return errnoOf(libc.mkdirat(folderFd, nameArgument(name), mode));
}

/** `device` as statx's attributes have it. */
export function makeNodeAt(folderFd: number, name: string, kind: NodeKind, mode: number, device: number): number {
  return errnoOf(libc.mknodat(folderFd, nameArgument(name), kindBits[kind] + mode, device));
}

export function makeSymlinkAt(folderFd: number, name: string, target: string): number {
  writePath(target, secondPathAt);
  return errnoOf(libc.symlinkat(argument().address + secondPathAt, folderFd, nameArgument(name)));
}

/** Another name for what is open as `fd`. ENOENT when it has none left. */
export function linkAt(fd: number, folderFd: number, name: string): number {
  const path = writeDescriptorPath(fd, secondPathAt);
  return errnoOf(libc.linkat(currentFolder, path, folderFd, nameArgument(name), followFlag));
}

export function unlinkAt(folderFd: number, name: string): number {
  return errnoOf(libc.unlinkat(folderFd, nameArgument(name), 0));
}

export function removeFolderAt(folderFd: number, name: string): number {
  return errnoOf(libc.unlinkat(folderFd, nameArgument(name), removeFolderFlag));
}

export function moveAt(fd: number, name: string, newFd: number, newName: string, flags: MoveFlags): number {
  writePath(newName, secondPathAt);
  const newAddress = argument().address + secondPathAt;
  return errnoOf(libc.renameat2(fd, nameArgument(name), newFd, newAddress, moveFlags[flags]));
}

/**
 * All names in a folder that is open for reading, without "." and "..", in no order: each byte a character, so that
 * comparing them compares bytes.
 *
 * @returns or a negative errno
 */
export function namesIn(folderFd: number): string[] | number {
  entries ??= new NativeBuffer(listBytes);
  const names: string[] = [];
  const bytes = Buffer.from(entries.bytes.buffer, 0, listBytes);
  for (;;) {
    const count = libc.getdents64(folderFd, entries.address, listBytes);
    if (count < 0) return -libc.errno();
    if (count === 0) return names;
    for (let at = 0; at < count; at += entries.data.getUint16(at + 16, true)) {
      const name = bytes.toString("latin1", at + 19, bytes.indexOf(0, at + 19));
      if (name !== "." && name !== "..") names.push(name);
    }
  }
}
