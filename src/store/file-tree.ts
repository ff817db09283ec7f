import type { Attributes, MoveFlags, NodeKind, Ownership } from "../core/wire/attributes.js";
import { Errno } from "../kernel/errno.js";
import { type InodeFacts, statOf } from "../kernel/facts.js";
import { OpenFlag, openExactly } from "../kernel/folder.js";
import * as entries from "../kernel/folder-entries.js";
import * as libc from "../kernel/libc.js";
import { encodeName } from "../kernel/name-bytes.js";
import { InodeVerbs, stampOf } from "./inode-verbs.js";
import { own } from "./new-entry.js";
import { equip } from "./new-file.js";
import { storeError } from "./store-error.js";
import type { CreatedInode, CreateOptions, OpenedInode, Tree } from "./tree.js";
import { checkName, checkTarget } from "./tree-names.js";

const permissions = 0o777;
const itself = OpenFlag.path + OpenFlag.noFollow;

/** The tree of a served folder: as it is on disk, with real owners, modes and times where the home may set them. */
export class FileTree extends InodeVerbs implements Tree {
  create(parent: number, name: string, options: CreateOptions): CreatedInode {
    this.#checkName(parent, name);
    return this.walk.withFolder(parent, (parentFd, folder) => {
      const found = this.walk.look(parent, parentFd, name);
      if (found !== undefined && options.exclusive === true) throw storeError(name, Errno.EEXIST);
      if (found !== undefined) return { ...this.openInode(found.inode, options), created: false, mayHaveList: true };
      this.#changes(parent, parentFd);
      const most = this.told.mostIn(parentFd);
      const fd = entries.makeFileAt(parentFd, name, 0o600);
      if (fd < 0) throw storeError(name, -fd);
      try {
        equip(name, fd, options);
        this.#own(fd, name, folder, options, most);
      } catch (error) {
        libc.close(fd);
        entries.unlinkAt(parentFd, name);
        throw error;
      }
      const attributes = this.toldOf(fd);
      this.#added(parent, parentFd, name, attributes.inode);
      return { file: this.owner.adopt(fd, name), attributes, created: true, mayHaveList: most !== undefined };
    });
  }

  openInode(inode: number, { write = false }: { readonly write?: boolean | undefined } = {}): OpenedInode {
    return this.withInode(inode, (fd, facts) => {
      const name = this.walk.nameOf(inode);
      if (facts.kind === "folder") throw storeError(name, Errno.EISDIR);
      if (facts.kind !== "file") throw storeError(name, Errno.EINVAL);
      return {
        file: this.owner.use(fd, this.walk.keyOf(inode), name, write),
        attributes: this.told.of(facts, fd),
      };
    });
  }

  mkdir(parent: number, name: string, ownership: Ownership): Attributes {
    const make = (fd: number) => entries.makeFolderAt(fd, name, 0o700);
    return this.#make(parent, name, ownership, make, (fd) => entries.removeFolderAt(fd, name));
  }

  mknod(parent: number, name: string, kind: NodeKind, device: number, ownership: Ownership): Attributes {
    return this.#make(parent, name, ownership, (fd) => entries.makeNodeAt(fd, name, kind, 0o600, device));
  }

  symlink(parent: number, name: string, target: string, owner: { uid: number; gid: number }): Attributes {
    checkTarget(target);
    return this.#make(parent, name, { ...owner, mode: 0o777 }, (fd) => entries.makeSymlinkAt(fd, name, target));
  }

  link(inode: number, parent: number, name: string): Attributes {
    this.#checkName(parent, name);
    return this.walk.withFolder(parent, (parentFd) =>
      this.withInode(inode, (fd) => {
        this.#changes(parent, parentFd);
        const errno = -entries.linkAt(fd, parentFd, name);
        if (errno !== 0) throw storeError(name, errno);
        this.#added(parent, parentFd, name, inode);
        return this.toldOf(fd);
      }),
    );
  }

  unlink(parent: number, name: string): void {
    this.#remove(parent, name, (fd) => entries.unlinkAt(fd, name));
  }

  rmdir(parent: number, name: string): void {
    this.#remove(parent, name, (fd) => entries.removeFolderAt(fd, name));
  }

  move(parent: number, name: string, newParent: number, newName: string, flags: MoveFlags): void {
    this.#checkName(parent, name);
    this.#checkName(newParent, newName);
    this.walk.withFolder(parent, (fd) =>
      this.walk.withFolder(newParent, (newFd) => {
        const moved = this.walk.look(parent, fd, name);
        if (moved === undefined) throw storeError(name, Errno.ENOENT);
        const target = this.walk.look(newParent, newFd, newName);
        const [from, to] = [this.#pathAt(parent, name), this.#pathAt(newParent, newName)];
        const replaced = target?.kind === "file" && flags === "replace" ? openExactly(newFd, newName, itself) : -1;
        this.#changes(parent, fd);
        this.#changes(newParent, newFd);
        const errno = -entries.moveAt(fd, name, newFd, newName, flags);
        if (replaced >= 0) this.#replaced(replaced);
        if (errno !== 0) throw storeError(`${from} → ${to}`, errno);
        if (target?.inode === moved.inode) return; // Two names of one file: rename does nothing, and both stay.
        this.#removed(parent, fd, name, moved);
        if (target !== undefined) this.#removed(newParent, newFd, newName, target);
        this.#added(newParent, newFd, newName, moved.inode);
        if (moved.kind === "folder") this.owner.folderMoved(from, to);
        if (target === undefined || flags !== "exchange") return;
        this.#added(parent, fd, name, target.inode);
        if (target.kind === "folder") this.owner.folderMoved(to, from);
      }),
    );
  }

  /** Whether a file without a name can still be opened by who was told of it. */
  isKept(inode: number): boolean {
    return this.walk.replaced.has(inode);
  }

  /** Takes over the descriptor of what had the new name of a move. */
  #replaced(fd: number): void {
    const { inode, links } = statOf(fd).attributes;
    if (links === 0) this.walk.replaced.keep(inode, fd);
    else libc.close(fd);
  }

  /** Makes something and gives it its owner, or makes nothing at all. */
  #make(
    parent: number,
    name: string,
    ownership: Ownership,
    make: (parentFd: number) => number,
    undo: (parentFd: number) => number = (fd) => entries.unlinkAt(fd, name),
  ): Attributes {
    this.#checkName(parent, name);
    return this.walk.withFolder(parent, (parentFd, folder) => {
      this.#changes(parent, parentFd);
      const errno = -make(parentFd);
      if (errno !== 0) throw storeError(name, errno);
      try {
        const attributes = this.#owned(parentFd, name, folder, ownership);
        this.#added(parent, parentFd, name, attributes.inode);
        return attributes;
      } catch (error) {
        undo(parentFd);
        throw error;
      }
    });
  }

  #owned(parentFd: number, name: string, folder: InodeFacts, ownership: Ownership): Attributes {
    const fd = openExactly(parentFd, name, itself);
    if (fd < 0) throw storeError(name, -fd);
    try {
      this.#own(fd, name, folder, ownership, this.told.mostIn(parentFd));
      return this.toldOf(fd);
    } finally {
      libc.close(fd);
    }
  }

  #own(fd: number, name: string, folder: InodeFacts, ownership: Ownership, most = permissions): void {
    const errno = -own(fd, folder, ownership, most);
    if (errno !== 0) throw storeError(name, errno);
  }

  #remove(parent: number, name: string, remove: (parentFd: number) => number): void {
    this.#checkName(parent, name);
    this.walk.withFolder(parent, (parentFd) => {
      const found = this.walk.look(parent, parentFd, name);
      if (found === undefined) throw storeError(name, Errno.ENOENT);
      this.#changes(parent, parentFd);
      const errno = -remove(parentFd);
      if (errno !== 0) throw storeError(name, errno);
      this.#removed(parent, parentFd, name, found);
    });
  }

  #checkName(parent: number, name: string): void {
    checkName(name, parent === this.root);
  }

  /** A listing that was outdated already is not kept up with what the home is about to change. */
  #changes(parent: number, parentFd: number): void {
    if (this.listings.has(parent)) this.listings.changes(parent, stampOf(parentFd));
  }

  #added(parent: number, parentFd: number, name: string, inode: number): void {
    this.walk.places.note(inode, parent, name);
    if (this.listings.has(parent)) this.listings.added(parent, bytesOf(name), stampOf(parentFd));
    this.#changed(parent);
  }

  #removed(parent: number, parentFd: number, name: string, { inode, kind }: InodeFacts): void {
    this.walk.places.forget(inode, parent, name);
    if (kind === "folder") this.listings.drop(inode); // Emptied by somebody else perhaps, or moved: it is read anew.
    if (this.listings.has(parent)) this.listings.removed(parent, bytesOf(name), stampOf(parentFd));
    this.#changed(parent);
  }

  #changed(folder: number): void {
    const path = this.walk.places.pathOf(folder);
    if (path !== undefined) this.owner.folderChanged(path);
  }

  #pathAt(parent: number, name: string): string {
    const path = this.walk.places.pathOf(parent);
    return path === undefined || path === "" ? name : `${path}/${name}`;
  }
}

/** As the listings have names. */
function bytesOf(name: string): string {
  return Buffer.from(encodeName(name) ?? []).toString("latin1");
}
