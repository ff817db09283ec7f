/**
 * Numbers of the FUSE kernel protocol, version 7.31 to 7.44 (include/uapi/linux/fuse.h). Structures are read and written
 * at fixed offsets where they are used; every field is in the machine's order, which is little-endian on all machines
 * that dmmap runs on.
 */
export const protocolMajor = 7;
export const protocolMinor = 44;
/** What FUSE_INIT must offer at least: Linux 5.4. */
export const protocolMinorMin = 31;

export const inHeaderBytes = 40;
export const outHeaderBytes = 16;
export const attributeBytes = 88;
/** fuse_entry_out: 40 bytes about the name, then the attributes. */
export const entryBytes = 40 + attributeBytes;
export const rootId = 1;

export const Opcode = {
  lookup: 1,
  forget: 2,
  getattr: 3,
  setattr: 4,
  readlink: 5,
  symlink: 6,
  mknod: 8,
  mkdir: 9,
  unlink: 10,
  rmdir: 11,
  rename: 12,
  link: 13,
  open: 14,
  read: 15,
  write: 16,
  statfs: 17,
  release: 18,
  fsync: 20,
  setxattr: 21,
  getxattr: 22,
  listxattr: 23,
  removexattr: 24,
  flush: 25,
  init: 26,
  opendir: 27,
  readdir: 28,
  releasedir: 29,
  fsyncdir: 30,
  getlk: 31,
  setlk: 32,
  setlkw: 33,
  create: 35,
  interrupt: 36,
  destroy: 38,
  batchForget: 42,
  fallocate: 43,
  rename2: 45,
  lseek: 46,
  copyFileRange: 47,
  syncfs: 50,
} as const;

/** FUSE_INIT flags that we know. Bits from 32 on are in `flags2`. */
export const InitFlag = {
  asyncRead: 1 << 0,
  posixLocks: 1 << 1,
  flockLocks: 1 << 10,
  asyncDirectIo: 1 << 15,
  parallelFolders: 1 << 18,
  maxPages: 1 << 22,
  explicitInvalidation: 1 << 25,
  handleKillPrivilegesV2: 1 << 28,
  extended: 1 << 30,
} as const;
export const InitFlag2 = {
  directIoMaps: 1 << (36 - 32),
} as const;

/** Answers to OPEN. */
export const OpenAnswer = {
  directIo: 1 << 0,
  keepCache: 1 << 1,
  noFlush: 1 << 5,
} as const;

export const SetattrValid = {
  mode: 1 << 0,
  uid: 1 << 1,
  gid: 1 << 2,
  size: 1 << 3,
  atime: 1 << 4,
  mtime: 1 << 5,
  handle: 1 << 6,
  atimeNow: 1 << 7,
  mtimeNow: 1 << 8,
  ctime: 1 << 10,
  killPrivileges: 1 << 11,
} as const;

/** In fuse_getattr_in: with an open file's handle. */
export const GetattrFlag = { handle: 1 << 0 } as const;
/** Set in what read(2) asks past the kernel's cache, and only there: what has no lock owner fills that cache. */
export const ReadFlag = { lockOwner: 1 << 1 } as const;
export const WriteFlag = { cache: 1 << 0, killPrivileges: 1 << 2 } as const;
export const LockFlag = { flock: 1 << 0 } as const;
/** fallocate(2)'s modes. */
export const FallocateMode = { keepSize: 0x01, punchHole: 0x02, zeroRange: 0x10 } as const;
/** Types of locks in fuse_file_lock: Linux's F_RDLCK, F_WRLCK, F_UNLCK. */
export const LockType = { shared: 0, exclusive: 1, none: 2 } as const;

/** Codes of notifications: in the place of the error in a header without a request. */
export const Notify = { invalidateInode: 2, incrementEpoch: 8 } as const;
/** From which minor version on the kernel knows `incrementEpoch`: Linux 6.16. */
export const epochMinorMin = 44;
