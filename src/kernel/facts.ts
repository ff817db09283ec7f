import { check } from "./errno.js";
import * as libc from "./libc.js";
import type { NativeBuffer } from "./native-buffer.js";
import { argument, statxAt, writePath } from "./path-argument.js";

const emptyPath = 0x1000;
const noFollow = 0x100;
const noAutomount = 0x800;
const basicStatsAndBirth = 0xfff;

type Kind = "file" | "folder" | "symlink" | "fifo" | "socket" | "character" | "block";
/** Since 1970; seconds are negative before it, nanoseconds never. */
export type SystemTime = readonly [seconds: number, nanoseconds: number];

const kinds = new Map<number, Kind>([
  [0o100000, "file"],
  [0o040000, "folder"],
  [0o120000, "symlink"],
  [0o010000, "fifo"],
  [0o140000, "socket"],
  [0o020000, "character"],
  [0o060000, "block"],
]);

/** What the home's files need to know of an open file. Numbers of devices and inodes are exact, whatever their size. */
export interface FileFacts {
  readonly kind: "file" | "folder" | "other";
  readonly sizeBytes: number;
  readonly allocatedBytes: number;
  readonly modifiedMillis: number;
  readonly links: number;
  /** The same for every name of one file, and for no other file of this machine. */
  readonly key: string;
  readonly inode: number;
}

export function factsOf(fd: number): FileFacts {
  check(statx(fd, ""), "statx");
  const buffer = argument();
  const kind = kindAt(buffer);
  const modified = timeAt(buffer, 112);
  return {
    kind: kind === "file" || kind === "folder" ? kind : "other",
    sizeBytes: buffer.getUint64(statxAt + 40),
    allocatedBytes: buffer.getUint64(statxAt + 48) * 512,
    modifiedMillis: modified[0] * 1000 + modified[1] / 1e6,
    links: wordAt(buffer, 16),
    key: `${deviceAt(buffer)}:${wordAt(buffer, 36)}:${wordAt(buffer, 32)}`,
    inode: buffer.getUint64(statxAt + 32),
  };
}

/** What stat tells, in its units. */
export interface InodeFacts {
  readonly inode: number;
  readonly kind: Kind;
  /** 07777 */
  readonly mode: number;
  readonly links: number;
  readonly uid: number;
  readonly gid: number;
  /** Of a character or block device, packed into 32 bits as the kernel does; else 0. */
  readonly device: number;
  readonly size: number;
  /** Of 512 bytes. */
  readonly blocks: number;
  readonly atime: SystemTime;
  readonly mtime: SystemTime;
  readonly ctime: SystemTime;
  /** When it was made; 1970 where the filesystem does not tell. */
  readonly born: SystemTime;
}

/** Attributes, and the filesystem they are of. */
export interface Stat {
  readonly attributes: InodeFacts;
  readonly device: string;
}

/** Of an open descriptor. */
export function statOf(fd: number): Stat {
  check(statx(fd, ""), "statx");
  return readStat();
}

/** Of a name in an open folder; a symbolic link's own. @returns undefined when it cannot be had: see libc.errno(). */
export function statAt(folderFd: number, name: string): Stat | undefined {
  return statx(folderFd, name) === 0 ? readStat() : undefined;
}

function statx(fd: number, name: string): number {
  const { address } = argument();
  writePath(name, 0);
  const flags = name === "" ? emptyPath : noFollow | noAutomount;
  return libc.statx(fd, address, flags, basicStatsAndBirth, address + statxAt);
}

function readStat(): Stat {
  const buffer = argument();
  const kind = kindAt(buffer);
  const isDevice = kind === "character" || kind === "block";
  const attributes: InodeFacts = {
    inode: buffer.getUint64(statxAt + 32),
    kind,
    mode: buffer.data.getUint16(statxAt + 28, true) & 0o7777,
    links: wordAt(buffer, 16),
    uid: wordAt(buffer, 20),
    gid: wordAt(buffer, 24),
    device: isDevice ? packDevice(wordAt(buffer, 128), wordAt(buffer, 132)) : 0,
    size: buffer.getUint64(statxAt + 40),
    blocks: buffer.getUint64(statxAt + 48),
    atime: timeAt(buffer, 64),
    mtime: timeAt(buffer, 112),
    ctime: timeAt(buffer, 96),
    born: timeAt(buffer, 80),
  };
  return { attributes, device: deviceAt(buffer) };
}

/** The kernel's packing of a device's number into 32 bits: 12 bits of minor, 12 of major, 8 of minor. */
function packDevice(major: number, minor: number): number {
  return (minor % 256) + (major % 4096) * 256 + Math.floor(minor / 256) * 0x10_0000;
}

function kindAt(buffer: NativeBuffer): Kind {
  return kinds.get(buffer.data.getUint16(statxAt + 28, true) & 0o170000) ?? "file";
}

function deviceAt(buffer: NativeBuffer): string {
  return `${wordAt(buffer, 136)}:${wordAt(buffer, 140)}`;
}

function wordAt({ uint32 }: NativeBuffer, offset: number): number {
  return uint32[(statxAt + offset) / 4];
}

/** Seconds are signed: before 1970 they are negative. */
function timeAt({ uint32, int32 }: NativeBuffer, offset: number): SystemTime {
  const at = (statxAt + offset) / 4;
  return [uint32[at] + int32[at + 1] * 0x1_0000_0000, uint32[at + 2]];
}
