/** Since 1970; seconds are negative before it, nanoseconds never. */
export type Time = readonly [seconds: number, nanoseconds: number];

export type FileKind = "file" | "folder" | "symlink" | "fifo" | "socket" | "character" | "block";
/** What mknod makes. */
export type NodeKind = "file" | "fifo" | "socket" | "character" | "block";

/** What stat tells of a file, a folder or whatever else has a name. */
export interface Attributes {
  /** The home's st_ino: names the thing for as long as it lives, whatever its names are. Then it is used again: see `isSameThing`. */
  readonly inode: number;
  readonly kind: FileKind;
  /** Permissions with set-user-id, set-group-id and sticky: 07777. */
  readonly mode: number;
  readonly links: number;
  readonly uid: number;
  readonly gid: number;
  /** Of a character or block device, packed into 32 bits as the kernel and FUSE do; else 0. */
  readonly device: number;
  /** Bytes; of a symlink the length of its target. */
  readonly size: number;
  /** Allocated, in units of 512 bytes. */
  readonly blocks: number;
  readonly atime: Time;
  readonly mtime: Time;
  readonly ctime: Time;
  /** When it was made; 1970 where the home's filesystem does not tell. */
  readonly born: Time;
  /** Whether it has extended attributes. */
  readonly xattrs: boolean;
}

/** What an inode number alone does not tell: whether it has been used again for another thing. */
export type Identity = Pick<Attributes, "kind" | "born">;

export function isSameThing(one: Identity, other: Identity): boolean {
  return one.kind === other.kind && isSameTime(one.born, other.born);
}

function isSameTime(one: Time, other: Time): boolean {
  const isTold = one[0] !== 0 && other[0] !== 0;
  return !isTold || (one[0] === other[0] && one[1] === other[1]);
}

/** What is to change; the rest stays. "now" is the home's clock. */
export interface AttributeChanges {
  readonly mode?: number | undefined;
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
  readonly atime?: Time | "now" | undefined;
  readonly mtime?: Time | "now" | undefined;
}

/** Who something new belongs to, and its permissions (07777, umask applied already). */
export interface Ownership {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** Room in the home's filesystem. */
export interface Space {
  readonly blockSize: number;
  readonly blocks: number;
  readonly free: number;
  /** Free for those without privilege. */
  readonly available: number;
  readonly files: number;
  readonly filesFree: number;
  readonly nameMax: number;
}

/** What to do about the new name of a `move`: renameat2's flags. */
export type MoveFlags = "replace" | "noReplace" | "exchange";
/** Names of extended attributes that no home shows or sets: ACLs, as no mount would judge by one. What it denies the mode denies. */
export const hiddenXattrs = "system.";
/** Whether an extended attribute must be new, or be there. */
export type XattrMode = "any" | "create" | "replace";
