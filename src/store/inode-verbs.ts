import type { AttributeChanges, Attributes, Space, XattrMode } from "../core/wire/attributes.js";
import { Errno } from "../kernel/errno.js";
import { type InodeFacts, type SystemTime, statOf } from "../kernel/facts.js";
import { OpenFlag } from "../kernel/folder.js";
import { namesIn } from "../kernel/folder-entries.js";
import * as kernel from "../kernel/inode-attributes.js";
import * as libc from "../kernel/libc.js";
import { decodeName, encodeName } from "../kernel/name-bytes.js";
import { FolderListings, firstAfter } from "./folder-listings.js";
import { InodeSearch } from "./inode-search.js";
import { InodeWalk } from "./inode-walk.js";
import { ownFolder } from "./names.js";
import type { PageFile } from "./page-file.js";
import type { SyncDone } from "./store.js";
import { storeError } from "./store-error.js";
import { ToldAttributes } from "./told-attributes.js";
import type { FolderEntry, FolderPage } from "./tree.js";
import { checkXattr, isShownXattr, nameError } from "./tree-names.js";

const entriesMax = 1000;
const xattrBytesMax = 65536;

/** What the tree of a folder needs of its store. */
export interface TreeOwner {
  openFile(key: string): PageFile | undefined;
  /** Opens what `fd`, of any kind, is a descriptor of; `fd` stays the caller's. */
  use(fd: number, key: string, name: string, write: boolean): PageFile;
  /** Takes over the descriptor of a new file. */
  adopt(fd: number, name: string): PageFile;
  /** A path below the served folder: names in it came or went. */
  folderChanged(path: string): void;
  folderMoved(from: string, to: string): void;
  syncFolders(done: SyncDone): void;
}

/** The verbs of a folder's tree that change no name. */
export class InodeVerbs {
  readonly root: number;
  protected readonly owner: TreeOwner;
  protected readonly walk: InodeWalk;
  protected readonly told = new ToldAttributes();
  protected readonly listings = new FolderListings();
  readonly #rootFd: number;
  readonly #search: InodeSearch;

  constructor(rootFd: number, owner: TreeOwner) {
    this.#rootFd = rootFd;
    this.owner = owner;
    this.walk = new InodeWalk(rootFd);
    this.root = this.walk.root;
    this.#search = new InodeSearch(this.walk);
  }

  attributes(inode: number): Attributes {
    return this.withInode(inode, (fd, facts) => this.told.of(facts, fd));
  }

  storedMode(inode: number): number {
    return this.withInode(inode, (_fd, { mode }) => mode);
  }

  lookup(parent: number, name: string): Attributes | undefined {
    const error = nameError(name);
    if (error !== undefined) throw error;
    return this.walk.withFolder(parent, (fd) => this.#look(parent, fd, name));
  }

  identify(inode: number, path: string): Attributes {
    let found: Attributes | undefined = this.attributes(this.root);
    for (const name of path === "" ? [] : path.split("/")) {
      found = found.kind === "folder" ? this.lookup(found.inode, name) : undefined;
      if (found === undefined) break;
    }
    if (found?.inode !== inode) throw storeError(path, Errno.ESTALE);
    return found;
  }

  find(inode: number): Attributes {
    this.#search.find(inode);
    return this.attributes(inode);
  }

  pathOf(inode: number): string {
    return this.walk.pathOf(inode);
  }

  setAttributes(inode: number, { mode, uid, gid, atime, mtime }: AttributeChanges): Attributes {
    return this.withInode(inode, (fd) => {
      // A change of owner takes the set-user-id bits away, so the mode comes after it; either sets no times. No change at
      // all is chown(2)'s to nobody, which counts as a change.
      const isNothing = (mode ?? atime ?? mtime) === undefined;
      let errno = (uid ?? gid) === undefined && !isNothing ? 0 : kernel.changeOwner(fd, uid, gid);
      if (errno === 0 && mode !== undefined) errno = kernel.changeMode(fd, mode);
      if (errno === 0 && (atime ?? mtime) !== undefined) errno = kernel.changeTimes(fd, atime, mtime);
      const attributes = this.toldOf(fd);
      this.#attributesChanged(attributes);
      if (errno !== 0) throw storeError(this.walk.nameOf(inode), -errno);
      return attributes;
    });
  }

  readlink(inode: number): string {
    return this.walk.with(inode, (fd) => {
      if (statOf(fd).attributes.kind !== "symlink") throw storeError(this.walk.nameOf(inode), Errno.EINVAL);
      return decodeName(this.#passed(inode, kernel.readLink(fd)));
    });
  }

  readdir(inode: number, after: string, limit = entriesMax): FolderPage {
    const place = encodeName(after);
    if (place === undefined) throw storeError(after, Errno.EINVAL);
    return this.walk.withFolder(inode, (fd) => {
      const names = this.listings.names(inode, stampOf(fd), () => this.#read(inode, fd));
      const end = Math.min(limit, entriesMax);
      const entries: FolderEntry[] = [];
      let index = firstAfter(names, Buffer.from(place).toString("latin1"));
      for (; index < names.length && entries.length < end; index++) {
        const entry = this.#entry(inode, fd, names[index]);
        if (entry !== undefined) entries.push(entry);
      }
      return { entries, more: index < names.length };
    });
  }

  getxattr(inode: number, name: string): Uint8Array {
    checkXattr(name, Errno.ENODATA);
    return this.withInode(inode, (fd) => this.#passed(inode, kernel.readXattr(fd, name)));
  }

  setxattr(inode: number, name: string, value: Uint8Array, mode: XattrMode): void {
    checkXattr(name, Errno.EPERM);
    if (value.length > xattrBytesMax) throw storeError(name, Errno.E2BIG);
    this.withInode(inode, (fd) => {
      this.#passed(inode, kernel.writeXattr(fd, name, value, mode));
      this.#attributesChanged(statOf(fd).attributes);
    });
  }

  listxattr(inode: number): string[] {
    return this.withInode(inode, (fd) => {
      const names = kernel.listXattrs(fd);
      return names === -Errno.EOPNOTSUPP ? [] : this.#passed(inode, names).filter(isShownXattr);
    });
  }

  removexattr(inode: number, name: string): void {
    checkXattr(name, Errno.ENODATA);
    this.withInode(inode, (fd) => {
      this.#passed(inode, kernel.removeXattr(fd, name));
      this.#attributesChanged(statOf(fd).attributes);
    });
  }

  statfs(): Space {
    return this.#passed<Space>(this.root, kernel.spaceOf(this.#rootFd));
  }

  /** Names came or went by other ways than this tree's. */
  namesChanged(): void {
    this.listings.clear();
  }

  expire(): void {
    this.walk.replaced.expire();
    this.#search.expire();
  }

  close(): void {
    this.walk.replaced.clear();
  }

  sync(done: SyncDone): void {
    this.owner.syncFolders(done);
  }

  /** An open file is reached by its own descriptor: so it has attributes even when it has no name any more. */
  protected withInode<Result>(inode: number, call: (fd: number, facts: InodeFacts) => Result): Result {
    const file = this.owner.openFile(this.walk.keyOf(inode));
    return file === undefined ? this.walk.with(inode, call) : call(file.fd, statOf(file.fd).attributes);
  }

  /** Of what is open. */
  protected toldOf(fd: number): Attributes {
    return this.told.of(statOf(fd).attributes, fd);
  }

  #look(folder: number, folderFd: number, name: string): Attributes | undefined {
    const found = this.walk.look(folder, folderFd, name);
    return found && this.told.of(found, folderFd, name);
  }

  #attributesChanged({ inode, kind }: InodeFacts): void {
    const file = this.owner.openFile(this.walk.keyOf(inode));
    if (file !== undefined) {
      file.unsynced = true;
      file.unsyncedAttributes = true;
      return;
    }
    // What is not open can be synced as a folder only: its own, or the one it lies in, in whose wake journals put it down.
    const folder = kind === "folder" ? inode : this.walk.places.latest(inode)?.parent;
    const path = folder === undefined ? undefined : this.walk.places.pathOf(folder);
    if (path !== undefined) this.owner.folderChanged(path);
  }

  #read(inode: number, pathFd: number): string[] {
    const fd = kernel.reopen(pathFd, OpenFlag.readOnly + OpenFlag.folder);
    if (fd < 0) throw storeError(this.walk.nameOf(inode), -fd);
    const names = namesIn(fd);
    libc.close(fd);
    const read = this.#passed(inode, names);
    return inode === this.root ? read.filter((name) => name !== ownFolder) : read;
  }

  /** Undefined for what is gone meanwhile, or of another filesystem. */
  #entry(folder: number, folderFd: number, bytes: string): FolderEntry | undefined {
    const name = decodeName(Buffer.from(bytes, "latin1"));
    try {
      const attributes = this.#look(folder, folderFd, name);
      return attributes && { name, attributes };
    } catch {
      return undefined;
    }
  }

  /** Throws for a negative errno. */
  #passed<Value>(inode: number, result: Value | number): Value {
    if (typeof result === "number" && result < 0) throw storeError(this.walk.nameOf(inode), -result);
    return result as Value;
  }
}

/** Changes whenever a name comes or goes. Not the mtime, which who copies folders sets back. */
export function stampOf(folderFd: number): SystemTime {
  return statOf(folderFd).attributes.ctime;
}
