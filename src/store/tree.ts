import type { Policy } from "../core/units.js";
import type {
  AttributeChanges,
  Attributes,
  MoveFlags,
  NodeKind,
  Ownership,
  Space,
  XattrMode,
} from "../core/wire/attributes.js";
import type { StoreFile, SyncDone } from "./store.js";

export interface CreateOptions extends Ownership {
  /** As for `openInode`, when the file is there. What is made may be written by who made it, whatever its mode. */
  readonly write?: boolean | undefined;
  /** Fails with EEXIST when the name is there. */
  readonly exclusive?: boolean | undefined;
  /** Of a file that is made: by default "optimal". */
  readonly policy?: Policy | undefined;
}

export interface OpenedInode {
  /** As from `Store.open`: opened twice it is the same object, and each open wants its own close. */
  readonly file: StoreFile;
  readonly attributes: Attributes;
}

export interface CreatedInode extends OpenedInode {
  readonly created: boolean;
  /** Whether an access list may have been made with it. */
  readonly mayHaveList: boolean;
}

export interface FolderEntry {
  readonly name: string;
  readonly attributes: Attributes;
}

export interface FolderPage {
  readonly entries: FolderEntry[];
  readonly more: boolean;
}

/**
 * A store as a whole filesystem: everything that has a name, by inode. All verbs are synchronous, for the engine's
 * thread, and throw DmmapError with the errno that Linux gives for the same on a local disk.
 *
 * - An inode is known from when this tree has answered with it (`lookup`, `readdir`, `create`, …) or was told of it by
 *   `identify`. One that it does not know, or does not find any more, throws DMMAP_STALE (ESTALE).
 * - A name is one component, as `name-bytes.ts` writes it; ENOENT/EINVAL for what can be none. The home's own folder in
 *   the root is not there: looking it up finds nothing, making it is EPERM.
 * - Nothing outside the served folder's filesystem is reached: EXDEV.
 * - Who may do what is for the caller to know: verbs run with the home's own rights.
 */
export interface Tree {
  readonly root: number;
  /** The mode gives nobody more than an access list on the disk does: see `narrowed`. */
  attributes(inode: number): Attributes;
  /** The mode that is on the disk, with an access list's mask in place of the group's bits. */
  storedMode(inode: number): number;
  /** Undefined when there is no such name. ENOTDIR when the parent is no folder. */
  lookup(parent: number, name: string): Attributes | undefined;
  /** By a path of names below the root, "" the root itself; symbolic links are not followed. ESTALE if it is not there. */
  identify(inode: number, path: string): Attributes;
  /** The same, wherever it is: may read all folders. ESTALE if it is nowhere, or the tree is too large for that. */
  find(inode: number): Attributes;
  /** One of its paths below the root, "" for the root itself. */
  pathOf(inode: number): string;
  setAttributes(inode: number, changes: AttributeChanges): Attributes;

  /** Opens a regular file, made if need be: in full or not at all. */
  create(parent: number, name: string, options: CreateOptions): CreatedInode;
  /** EACCES when it is to be written, and this home may not. EISDIR, EINVAL for what is no regular file. */
  openInode(inode: number, options?: { readonly write?: boolean | undefined }): OpenedInode;

  // A folder with the set-group-id bit gives its group to what is made in it, and the bit to folders.
  mkdir(parent: number, name: string, ownership: Ownership): Attributes;
  mknod(parent: number, name: string, kind: NodeKind, device: number, ownership: Ownership): Attributes;
  symlink(parent: number, name: string, target: string, owner: { uid: number; gid: number }): Attributes;
  link(inode: number, parent: number, name: string): Attributes;
  readlink(inode: number): string;
  unlink(parent: number, name: string): void;
  rmdir(parent: number, name: string): void;
  move(parent: number, name: string, newParent: number, newName: string, flags: MoveFlags): void;

  /**
   * At most `limit` (1000) entries behind the name `after` ("" from the beginning), in the order of the names' bytes,
   * without "." and "..". What was there all the while is listed once, whatever else came and went between the pages.
   */
  readdir(inode: number, after: string, limit?: number): FolderPage;

  /** Throws ENODATA when there is none by that name. */
  getxattr(inode: number, name: string): Uint8Array;
  setxattr(inode: number, name: string, value: Uint8Array, mode: XattrMode): void;
  /** Without the home's own, user.dmmap.*, which are neither shown nor set. */
  listxattr(inode: number): string[];
  removexattr(inode: number, name: string): void;
  statfs(): Space;

  /** Called now and then: lets go of what is kept for a moment only. */
  expire(): void;
  /** Puts all names, and folders' attributes, that changed before this call on stable storage. `done` as of `StoreFile.sync`. */
  sync(done: SyncDone): void;
}
