import { check, Errno, SystemError } from "./errno.js";
import * as libc from "./libc.js";
import { NativeBuffer } from "./native-buffer.js";

const openat2 = 437; // the same number on every architecture
const resolveNoMagicLinks = 0x02;
const resolveBeneath = 0x08;
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
} as const;

const secondPathAt = 8192;
const howAt = 16384;
const valueAt = 16640;
const statxAt = 16896;
const emptyPath = 0x1000;
const basicStats = 0x7ff;
const kindMask = 0o170000;
const kindRegular = 0o100000;
const kindFolder = 0o040000;
const lockExclusive = 2;
const lockNonBlocking = 4;

let scratch: NativeBuffer | undefined;
function argument(): NativeBuffer {
  scratch ??= new NativeBuffer(5 * 4096);
  return scratch;
}

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
    const buffer = argument();
    writePath(path, 0);
    buffer.setUint64(howAt, flags | OpenFlag.closeOnExec);
    buffer.setUint64(howAt + 8, (flags & OpenFlag.create) === 0 ? 0 : mode);
    buffer.setUint64(howAt + 16, resolveBeneath | resolveNoMagicLinks);
    for (let tries = 0; ; tries++) {
      const fd = libc.syscall(openat2, this.fd, buffer.address, buffer.address + howAt, 24, 0, 0);
      if (fd >= 0) return fd;
      const number = libc.errno();
      if (number !== Errno.EAGAIN && number !== Errno.EINTR) return -number;
      if (tries === walkTriesMax) return -number;
    }
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

function errnoOf(result: number): number {
  return result === 0 ? 0 : -libc.errno();
}

/** What the system knows of an open file. Numbers of devices and inodes are exact, whatever their size. */
export interface FileFacts {
  readonly kind: "file" | "folder" | "other";
  readonly sizeBytes: number;
  readonly allocatedBytes: number;
  readonly modifiedMillis: number;
  readonly links: number;
  /** The same for every name of one file, and for no other file of this machine. */
  readonly key: string;
}

export function factsOf(fd: number): FileFacts {
  const buffer = argument();
  buffer.bytes[0] = 0;
  const call = libc.statx(fd, buffer.address, emptyPath, basicStats, buffer.address + statxAt);
  check(call, "statx");
  const at = statxAt;
  const { uint32 } = buffer;
  const kind = buffer.data.getUint16(at + 28, true) & kindMask;
  const word = (byteOffset: number) => uint32[(at + byteOffset) / 4];
  return {
    kind: kind === kindRegular ? "file" : kind === kindFolder ? "folder" : "other",
    sizeBytes: buffer.getUint64(at + 40),
    allocatedBytes: buffer.getUint64(at + 48) * 512,
    modifiedMillis: buffer.getUint64(at + 112) * 1000 + word(120) / 1e6,
    links: word(16),
    key: `${word(136)}:${word(140)}:${word(36)}:${word(32)}`,
  };
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

/** Writes a C string into the scratch buffer. @returns its length without the NUL. */
function writePath(text: string, at: number): number {
  const { bytes } = argument();
  const { written } = new TextEncoder().encodeInto(text, bytes.subarray(at, at + 4095));
  bytes[at + written] = 0;
  return written;
}
