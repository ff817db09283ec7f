import { constants } from "node:fs";
import { check, Errno, SystemError } from "./errno.js";
import * as libc from "./libc.js";
import { argument, secondPathAt, structAt, writePath } from "./path-argument.js";

const openat2 = 437; // the same number on every architecture
const resolveNoMounts = 0x01;
const resolveNoMagicLinks = 0x02;
const resolveBeneath = 0x08;
/** Of `openExactly`: what is reached is where its path says, in the folder's own filesystem. */
const resolveInside = resolveBeneath | resolveNoMagicLinks | resolveNoMounts;
const resolveExactly = resolveInside | 0x04; // RESOLVE_NO_SYMLINKS
/** An interrupted walk over `..` in a symlink gives EAGAIN while somebody renames folders: a few tries are enough. */
const walkTriesMax = 16;

// The generic flags are the same on x86-64 and arm64, O_DIRECTORY is not: Node knows it.
export const OpenFlag = {
  readOnly: 0,
  readWrite: 0o2,
  create: 0o100,
  exclusive: 0o200,
  noControllingTerminal: 0o400,
  nonBlocking: 0o4000,
  closeOnExec: 0o2000000,
  path: 0o10000000,
  folder: constants.O_DIRECTORY,
  noFollow: constants.O_NOFOLLOW,
} as const;

const valueAt = structAt + 256;
const lockExclusive = 2;
const lockNonBlocking = 4;

/**
 * A folder, and what lies beneath it: no path, symlink or rename leads out (openat2 with RESOLVE_BENEATH). Paths are
 * relative, at most 4095 bytes, without NUL: callers check.
 */
export class Folder {
  readonly fd: number;

  constructor(path: string) {
    this.fd = check(libc.open(path, OpenFlag.path | OpenFlag.closeOnExec, 0), "open");
  }

  /** @returns a descriptor, or a negative errno (EXDEV: the path leads out of the folder). */
  open(path: string, flags: number, mode: number): number {
    return openBeneath(this.fd, path, flags, mode, resolveInside);
  }

  /** @returns 0, or a negative errno (EEXIST: something of that name is there). */
  makeFolder(path: string): number {
    return this.#inParent(path, (parent) => errnoOf(libc.mkdirat(parent, argument().address, 0o777)));
  }

  /** Removes a name that is not a folder's. @returns 0, or a negative errno. */
  unlink(path: string): number {
    return this.#inParent(path, (parent) => errnoOf(libc.unlinkat(parent, argument().address, 0)));
  }

  /** Renames, replacing what has the new name. @returns 0, or a negative errno. */
  rename(from: string, to: string): number {
    return this.#inParent(to, (toParent) => {
      const { address } = argument();
      // The last component of `to` moves aside, as opening the other parent uses the first place.
      libc.memcpy(address + secondPathAt, address, 4096);
      return this.#inParent(from, (parent) =>
        errnoOf(libc.renameat(parent, address, toParent, address + secondPathAt)),
      );
    });
  }

  close(): void {
    libc.close(this.fd);
  }

  /** Runs `call` with the parent's descriptor and the last component as a C string at the start of the scratch buffer. */
  #inParent(path: string, call: (parent: number) => number): number {
    const slash = path.lastIndexOf("/");
    const parent = this.open(slash < 0 ? "." : path.slice(0, slash), OpenFlag.path, 0);
    if (parent < 0) return parent;
    try {
      writePath(path.slice(slash + 1), 0);
      return call(parent);
    } finally {
      libc.close(parent);
    }
  }
}

/**
 * Opens what is at this path below an open folder (O_PATH is enough) without any symbolic link in the path, in the same
 * filesystem. A link itself can be opened by OpenFlag.path | OpenFlag.noFollow.
 *
 * @returns a descriptor, or a negative errno (EXDEV: something else is mounted there).
 */
export function openExactly(folderFd: number, path: string, flags: number): number {
  return openBeneath(folderFd, path, flags, 0, resolveExactly);
}

function openBeneath(folderFd: number, path: string, flags: number, mode: number, resolve: number): number {
  const buffer = argument();
  writePath(path, 0);
  buffer.setUint64(structAt, flags | OpenFlag.closeOnExec);
  buffer.setUint64(structAt + 8, (flags & OpenFlag.create) === 0 ? 0 : mode);
  buffer.setUint64(structAt + 16, resolve);
  for (let tries = 0; ; tries++) {
    const fd = libc.syscall(openat2, folderFd, buffer.address, buffer.address + structAt, 24, 0, 0);
    if (fd >= 0) return fd;
    const number = libc.errno();
    if (number !== Errno.EAGAIN && number !== Errno.EINTR) return -number;
    if (tries === walkTriesMax) return -number;
  }
}

function errnoOf(result: number): number {
  return result === 0 ? 0 : -libc.errno();
}

/** Takes a whole-file lock for this descriptor. @returns false when another one has it. */
export function tryLockFile(fd: number): boolean {
  if (libc.flock(fd, lockExclusive | lockNonBlocking) === 0) return true;
  const number = libc.errno();
  if (number === Errno.EWOULDBLOCK) return false;
  throw new SystemError("flock", number);
}

/** @returns 0, or a negative errno (EOPNOTSUPP: the filesystem has no extended attributes). */
export function setAttribute(fd: number, name: string, value: string): number {
  const { address } = argument();
  writePath(name, 0);
  const byteLength = writePath(value, valueAt);
  return libc.fsetxattr(fd, address, address + valueAt, byteLength, 0) === 0 ? 0 : -libc.errno();
}

/** @returns undefined when there is none, or it is longer than any of ours. */
export function getAttribute(fd: number, name: string): string | undefined {
  const { address, bytes } = argument();
  writePath(name, 0);
  const count = libc.fgetxattr(fd, address, address + valueAt, 256);
  return count < 0 ? undefined : Buffer.from(bytes.subarray(valueAt, valueAt + count)).toString("utf8");
}
