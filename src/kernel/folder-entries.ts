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
/** DT_DIR of getdents64(2); a type of 0 is not known. */
const folderType = 4;
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

/** What a folder says of a thing in it: `kind` only as far as that is whether it is a folder. */
export type EachEntry = (name: string, inode: number, kind: "folder" | "other" | "unknown") => void;

/**
 * All entries of a folder that is open for reading, without "." and "..", in no order: of a name each byte is a character, so that
 * comparing them compares bytes.
 *
 * @returns 0, or a negative errno
 */
export function eachEntryIn(folderFd: number, act: EachEntry): number {
  entries ??= new NativeBuffer(listBytes);
  const { data, address } = entries;
  const bytes = Buffer.from(entries.bytes.buffer, 0, listBytes);
  for (;;) {
    const count = libc.getdents64(folderFd, address, listBytes);
    if (count <= 0) return count === 0 ? 0 : -libc.errno();
    for (let at = 0; at < count; at += data.getUint16(at + 16, true)) {
      const name = bytes.toString("latin1", at + 19, bytes.indexOf(0, at + 19));
      if (name === "." || name === "..") continue;
      const inode = data.getUint32(at, true) + data.getUint32(at + 4, true) * 0x1_0000_0000;
      const type = bytes[at + 18];
      act(name, inode, type === folderType ? "folder" : type === 0 ? "unknown" : "other");
    }
  }
}

/** @returns the names of `eachEntryIn`, or a negative errno */
export function namesIn(folderFd: number): string[] | number {
  const names: string[] = [];
  const errno = eachEntryIn(folderFd, (name) => void names.push(name));
  return errno < 0 ? errno : names;
}
