import type {
  AttributeChanges,
  Attributes,
  MoveFlags,
  NodeKind,
  Ownership,
  Space,
  Time,
  XattrMode,
} from "./attributes.js";
import type { Opened, Resized } from "./control.js";
import type { ChangeAnswer, ChangeRequest, LeasedAnswer, LeaseRequest } from "./leases.js";
import type { WantedPages } from "./lock-frame.js";

interface Place {
  /** A folder's inode. */
  readonly parent: number;
  readonly name: string;
}

/** `born`: which thing of that number, if the node knows; DMMAP_STALE when it is another one by now. */
export interface Thing {
  readonly inode: number;
  readonly born?: Time;
}

/** Who ends it that a file runs as its owner or group. */
export interface EndingBy {
  /** Set-group-id without execution by the group is a mark of something else, and stays in a file of these groups. */
  readonly groups: readonly number[] | "all";
}

interface Described {
  readonly attributes: Attributes;
}

/** Answers about inodes and names, on a lease if asked. */
type Told = Described & LeasedAnswer;
type Changed = object & ChangeAnswer;
type Made = Described & ChangeAnswer;

/** Of one node on one file. It says all of them to a home that has to hear them, and the home what of it is lost. */
export const heldLocksMax = 16_384;
/** In one `claimLocks`, so that it stays well below the longest frame. */
export const claimedLocksMax = 512;

/** Bytes [start, end) of an open file; `end` null reaches to the end, however far the file goes. */
export interface LockRequest {
  readonly file: number;
  /** As the node names a process or an open file description; of the library's locks each is an owner. */
  readonly owner: string;
  /** fcntl's and the library's, or flock's: locks of the two kinds do not know of each other. */
  readonly kind: "posix" | "flock";
  readonly start: number;
  readonly end: number | null;
  readonly type: "shared" | "exclusive" | "none";
  readonly pid: number;
}

/** Sets, changes or ends a lock. */
export interface Stored {
  readonly file: number;
}

export interface SetLock extends LockRequest {
  readonly wait: boolean;
  /** Behind all who wait already, as the library promises; fcntl passes them. */
  readonly inLine: boolean;
  /** What the node will want as soon as it has the lock: it gets them with it, if nobody else holds them then. */
  readonly pages: readonly WantedPages[];
}

/**
 * Requests for the home's tree, by inode. Failures carry Linux's errno. An inode that the home does not know (any more, or
 * since it restarted) is DMMAP_STALE: the node says where it saw it last (`identify`), and asks again.
 */
export interface TreeRequests {
  identify: { request: { inode: number; path: string }; reply: Described };
  /** Parent 0 and an empty name are the root. Null: no such name. */
  lookup: { request: Place & LeaseRequest; reply: { attributes: Attributes | null } & LeasedAnswer };
  /** The way along a path, through symbolic links, the last one only if asked. `attributes` null: there is no such name. */
  walk: {
    request: { path: string; follow: boolean };
    reply: { parent: number; name: string; attributes: Attributes | null };
  };
  getattr: { request: { inode: number } & LeaseRequest; reply: Told };
  /**
   * The size is `truncate`'s. `endsPrivileges`: a file does not run as its owner or group any more, whatever its mode is by then.
   * `isClaim`: the file was left to the node, which has done this already, before the connection was lost.
   */
  setattr: {
    request: Thing & AttributeChanges & ChangeRequest & { endsPrivileges?: EndingBy; isClaim?: boolean };
    reply: Made;
  };
  /** With `open` the file is opened along with it, as by `openInode`. `mayHaveList`: the modes that it is given are not those that it has. */
  create: {
    request: Place & Ownership & ChangeRequest & { exclusive: boolean; open?: "read" | "write" };
    reply: Made & { opened?: Opened; mayHaveList?: boolean };
  };
  mkdir: { request: Place & Ownership & ChangeRequest; reply: Made };
  mknod: { request: Place & Ownership & ChangeRequest & { kind: NodeKind; device: number }; reply: Made };
  symlink: { request: Place & ChangeRequest & { target: string; uid: number; gid: number }; reply: Made };
  link: { request: Place & ChangeRequest & Thing; reply: Made };
  readlink: { request: { inode: number }; reply: { target: string } };
  /** `inode`: what is removed, as far as the node knows. */
  unlink: { request: Place & ChangeRequest & { inode?: number }; reply: Changed };
  rmdir: { request: Place & ChangeRequest & { inode?: number }; reply: Changed };
  /**
   * `inode`: what is moved, as far as the node knows. Who asks for leases has one on the new name, and after an exchange on both: its kernel moves what it knows along.
   */
  move: {
    request: Place & ChangeRequest & { newParent: number; newName: string; flags: MoveFlags; inode?: number };
    reply: Changed;
  };
  /** Entries behind the name `after`, in the order of the names' bytes. */
  readdir: {
    request: { inode: number; after: string; limit: number } & LeaseRequest;
    reply: { entries: ({ name: string } & Told)[]; more: boolean };
  };
  /** Values in base64. Null, on a lease, for a file that has no `capabilityName`; otherwise what is not there is an error. */
  getxattr: {
    request: { inode: number; name: string } & LeaseRequest;
    reply: { value: string | null } & LeasedAnswer;
  };
  setxattr: {
    request: Thing & { name: string; value: string; mode: XattrMode } & ChangeRequest;
    reply: Changed;
  };
  listxattr: { request: { inode: number }; reply: { names: string[] } };
  removexattr: { request: Thing & { name: string } & ChangeRequest; reply: Changed };
  statfs: { request: object; reply: Space };
  /** Every change of names onto stable storage. */
  syncNames: { request: object; reply: object };

  /** Opens a file by its inode; `path` is where the node saw it last. Who writes tells its times by itself (`stored`). */
  openInode: { request: Thing & { write: boolean; path?: string }; reply: Opened };
  /** Makes a file at least this long. */
  extend: { request: { file: number; size: number }; reply: Resized };
  /** Bytes get room on the disk. */
  allocate: { request: { file: number; start: number; length: number }; reply: object };
  /** Pages [start, end) that are nothing but zeros give their room back. */
  deallocate: { request: { file: number; start: number; end: number }; reply: object };
  /** The next byte of data, or of a hole, at or behind `offset`. Null: none. */
  seek: { request: { file: number; offset: number; what: "data" | "hole" }; reply: { offset: number | null } };
  /** Travels as a frame of its own: `stored`, answered by `written`. The node has stored to the file just now. */
  stored: { request: Stored; reply: object };

  /** Travels as a frame of its own: `lock`, answered by `locked`. `isDelegated`: from now on the node decides about locks. */
  setLock: { request: SetLock; reply: { isDelegated?: boolean } };
  /** The first lock that stands against this one; null when none does. Processes of other nodes have no id here: 0. */
  testLock: { request: LockRequest; reply: { lock: Pick<LockRequest, "start" | "end" | "type" | "pid"> | null } };
  /**
   * The node says all that it holds on the file, in parts of at most `claimedLocksMax`: `more` with each but the last, which is
   * when the home goes by it. `lost`, then: indices, in all of it, of those that others have by now.
   */
  claimLocks: { request: { file: number; locks: LockRequest[]; more: boolean }; reply: { lost: number[] } };
}
