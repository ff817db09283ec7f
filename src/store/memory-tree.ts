import { freemem, totalmem } from "node:os";
import type {
  AttributeChanges,
  Attributes,
  MoveFlags,
  NodeKind,
  Ownership,
  Space,
  XattrMode,
} from "../core/wire/attributes.js";
import { Errno } from "../kernel/errno.js";
import { decodeName, encodeName } from "../kernel/name-bytes.js";
import { firstAfter } from "./folder-listings.js";
import { attributesOf, changeNode, type MemoryNode, makeNode, type NodeFacts, now } from "./memory-node.js";
import type { PageFile } from "./page-file.js";
import type { SyncDone } from "./store.js";
import { storeError } from "./store-error.js";
import type { CreatedInode, CreateOptions, FolderPage, OpenedInode, Tree } from "./tree.js";
import { checkName, checkTarget, checkXattr, nameError } from "./tree-names.js";

const entriesMax = 1000;
const xattrBytesMax = 65536;

/** What the tree in memory needs of its store: the files' contents. */
export interface MemoryContents {
  make(inode: number, name: string, options: CreateOptions & { readonly size?: number | undefined }): PageFile;
  drop(file: PageFile): void;
}

/** A whole filesystem in memory. */
export class MemoryTree implements Tree {
  readonly root = 1;
  readonly #contents: MemoryContents;
  /** All that has a name or a user. */
  readonly #nodes = new Map<number, MemoryNode>();
  readonly #sorted = new Map<MemoryNode, string[]>();
  #lastInode = 1;

  constructor(contents: MemoryContents) {
    this.#contents = contents;
    const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
    this.#nodes.set(this.root, makeNode({ inode: this.root, kind: "folder" }, undefined, { ...owner, mode: 0o755 }));
  }

  storedMode(inode: number): number {
    return this.attributes(inode).mode;
  }

  attributes(inode: number): Attributes {
    return attributesOf(this.#node(inode));
  }

  lookup(parent: number, name: string): Attributes | undefined {
    const error = nameError(name);
    if (error !== undefined) throw error;
    const node = this.#children(parent).get(name);
    return node && attributesOf(node);
  }

  identify(inode: number, path: string): Attributes {
    let node: MemoryNode | undefined = this.#node(this.root);
    for (const name of path === "" ? [] : path.split("/")) node = node?.children?.get(name);
    if (node?.inode !== inode) throw storeError(path, Errno.ESTALE);
    return attributesOf(node);
  }

  find(inode: number): Attributes {
    return this.attributes(inode);
  }

  pathOf(inode: number): string {
    const names: string[] = [];
    for (let node = this.#node(inode); node.inode !== this.root; ) {
      const found = node.places.at(-1);
      if (found === undefined) throw storeError(`inode ${inode}`, Errno.ESTALE);
      names.push(found.name);
      node = found.parent;
    }
    return names.toReversed().join("/");
  }

  setAttributes(inode: number, changes: AttributeChanges): Attributes {
    const node = this.#node(inode);
    if (node.kind === "symlink" && changes.mode !== undefined) throw storeError(`inode ${inode}`, Errno.EOPNOTSUPP);
    changeNode(node, changes);
    return attributesOf(node);
  }

  create(parent: number, name: string, options: CreateOptions & { readonly size?: number | undefined }): CreatedInode {
    checkName(name, parent === this.root);
    const found = this.#children(parent).get(name);
    if (found !== undefined && options.exclusive === true) throw storeError(name, Errno.EEXIST);
    if (found !== undefined) return { ...this.openInode(found.inode), created: false, mayHaveList: false };
    const inode = ++this.#lastInode;
    const node = makeNode({ inode, kind: "file" }, this.#node(parent), options);
    node.file = this.#contents.make(inode, name, options);
    this.#add(this.#node(parent), name, node);
    return { ...this.openInode(inode), created: true, mayHaveList: false };
  }

  openInode(inode: number): OpenedInode {
    const node = this.#node(inode);
    if (node.kind === "folder") throw storeError(`inode ${inode}`, Errno.EISDIR);
    if (node.file === undefined) throw storeError(`inode ${inode}`, Errno.EINVAL);
    node.file.users++;
    return { file: node.file, attributes: attributesOf(node) };
  }

  mkdir(parent: number, name: string, ownership: Ownership): Attributes {
    return this.#make(parent, name, { kind: "folder" }, ownership);
  }

  mknod(parent: number, name: string, kind: NodeKind, device: number, ownership: Ownership): Attributes {
    if (kind !== "file") return this.#make(parent, name, { kind, device }, ownership);
    const { file, attributes } = this.create(parent, name, { ...ownership, exclusive: true });
    file.close();
    return attributes;
  }

  symlink(parent: number, name: string, target: string, owner: { uid: number; gid: number }): Attributes {
    checkTarget(target);
    return this.#make(parent, name, { kind: "symlink", target }, { ...owner, mode: 0o777 });
  }

  link(inode: number, parent: number, name: string): Attributes {
    const node = this.#node(inode);
    this.#checkFree(parent, name);
    if (node.kind === "folder") throw storeError(name, Errno.EPERM);
    if (node.links === 0) throw storeError(name, Errno.ENOENT);
    node.links++;
    node.ctime = now();
    this.#add(this.#node(parent), name, node);
    return attributesOf(node);
  }

  readlink(inode: number): string {
    const { target } = this.#node(inode);
    if (target === undefined) throw storeError(`inode ${inode}`, Errno.EINVAL);
    return target;
  }

  unlink(parent: number, name: string): void {
    const node = this.#named(parent, name);
    if (node.kind === "folder") throw storeError(name, Errno.EISDIR);
    this.#drop(this.#node(parent), name, node);
  }

  rmdir(parent: number, name: string): void {
    const node = this.#named(parent, name);
    if (node.children === undefined) throw storeError(name, Errno.ENOTDIR);
    if (node.children.size > 0) throw storeError(name, Errno.ENOTEMPTY);
    this.#drop(this.#node(parent), name, node);
  }

  move(parent: number, name: string, newParent: number, newName: string, flags: MoveFlags): void {
    checkName(newName, newParent === this.root);
    const moved = this.#named(parent, name);
    const target = this.#children(newParent).get(newName);
    const folders = { from: this.#node(parent), to: this.#node(newParent) };
    checkMove(moved, target, folders, newName, flags);
    if (target === moved) return; // Two names of one file, or the same name: both stay.
    if (flags !== "exchange" && target !== undefined) this.#drop(this.#node(newParent), newName, target);
    this.#take(this.#node(parent), name, moved);
    if (target !== undefined && flags === "exchange") {
      this.#take(this.#node(newParent), newName, target);
      this.#add(this.#node(parent), name, target);
    }
    this.#add(this.#node(newParent), newName, moved);
    moved.ctime = now();
  }

  readdir(inode: number, after: string, limit = entriesMax): FolderPage {
    const place = encodeName(after);
    if (place === undefined) throw storeError(after, Errno.EINVAL);
    const children = this.#children(inode);
    const node = this.#node(inode);
    const names = this.#sorted.get(node) ?? [...children.keys()].map(latin1).sort();
    this.#sorted.set(node, names);
    const start = firstAfter(names, Buffer.from(place).toString("latin1"));
    const entries = names.slice(start, start + Math.min(limit, entriesMax)).flatMap((bytes) => {
      const name = decodeName(Buffer.from(bytes, "latin1"));
      const child = children.get(name);
      return child === undefined ? [] : [{ name, attributes: attributesOf(child) }];
    });
    return { entries, more: start + entries.length < names.length };
  }

  getxattr(inode: number, name: string): Uint8Array {
    checkXattr(name, Errno.ENODATA);
    const value = this.#node(inode).xattrs.get(name);
    if (value === undefined) throw storeError(name, Errno.ENODATA);
    return value;
  }

  setxattr(inode: number, name: string, value: Uint8Array, mode: XattrMode): void {
    checkXattr(name, Errno.EPERM);
    if (value.length > xattrBytesMax) throw storeError(name, Errno.E2BIG);
    const node = this.#node(inode);
    const mayHave = node.kind === "file" || node.kind === "folder" || !name.startsWith("user.");
    if (!mayHave) throw storeError(name, Errno.EPERM);
    if (mode === "create" && node.xattrs.has(name)) throw storeError(name, Errno.EEXIST);
    if (mode === "replace" && !node.xattrs.has(name)) throw storeError(name, Errno.ENODATA);
    node.xattrs.set(name, value.slice());
    node.ctime = now();
  }

  listxattr(inode: number): string[] {
    return [...this.#node(inode).xattrs.keys()];
  }

  removexattr(inode: number, name: string): void {
    checkXattr(name, Errno.ENODATA);
    const node = this.#node(inode);
    if (!node.xattrs.delete(name)) throw storeError(name, Errno.ENODATA);
    node.ctime = now();
  }

  statfs(): Space {
    const blockSize = 4096;
    const free = Math.floor(freemem() / blockSize);
    const blocks = Math.floor(totalmem() / blockSize);
    return { blockSize, blocks, free, available: free, files: 2 ** 32, filesFree: 2 ** 31, nameMax: 255 };
  }

  expire(): void {
    // Nothing is kept here.
  }

  sync(done: SyncDone): void {
    done(undefined);
  }

  /** Somebody closed the file of this inode. */
  closed(inode: number): void {
    const node = this.#nodes.get(inode);
    if (node !== undefined) this.#dropIfUnused(node);
  }

  #node(inode: number): MemoryNode {
    const node = this.#nodes.get(inode);
    if (node === undefined) throw storeError(`inode ${inode}`, Errno.ESTALE);
    return node;
  }

  #children(inode: number): Map<string, MemoryNode> {
    const { children } = this.#node(inode);
    if (children === undefined) throw storeError(`inode ${inode}`, Errno.ENOTDIR);
    return children;
  }

  #named(parent: number, name: string): MemoryNode {
    checkName(name, parent === this.root);
    const node = this.#children(parent).get(name);
    if (node === undefined) throw storeError(name, Errno.ENOENT);
    return node;
  }

  #checkFree(parent: number, name: string): void {
    checkName(name, parent === this.root);
    if (this.#children(parent).has(name)) throw storeError(name, Errno.EEXIST);
  }

  #make(parent: number, name: string, facts: Omit<NodeFacts, "inode">, ownership: Ownership): Attributes {
    this.#checkFree(parent, name);
    const folder = this.#node(parent);
    const node = makeNode({ inode: ++this.#lastInode, ...facts }, folder, ownership);
    this.#add(folder, name, node);
    return attributesOf(node);
  }

  #add(folder: MemoryNode, name: string, node: MemoryNode): void {
    this.#nodes.set(node.inode, node);
    folder.children?.set(name, node);
    node.places = [...node.places, { parent: folder, name }];
    if (node.kind === "folder") {
      node.parent = folder;
      folder.links++;
    }
    this.#changed(folder);
  }

  /** Takes a name away; what had it stays. */
  #take(folder: MemoryNode, name: string, node: MemoryNode): void {
    folder.children?.delete(name);
    node.places = node.places.filter((place) => place.parent !== folder || place.name !== name);
    if (node.kind === "folder") folder.links--;
    this.#changed(folder);
  }

  #drop(folder: MemoryNode, name: string, node: MemoryNode): void {
    this.#take(folder, name, node);
    node.links = node.kind === "folder" ? 0 : node.links - 1;
    node.ctime = now();
    this.#dropIfUnused(node);
  }

  /** A file lives while it has a name or a user. */
  #dropIfUnused(node: MemoryNode): void {
    if (node.links > 0 || (node.file !== undefined && node.file.users > 0)) return;
    if (!this.#nodes.delete(node.inode)) return;
    this.#sorted.delete(node);
    if (node.file !== undefined) this.#contents.drop(node.file);
  }

  #changed(folder: MemoryNode): void {
    folder.mtime = now();
    folder.ctime = folder.mtime;
    this.#sorted.delete(folder);
  }
}

/** A name as a string of bytes, which compare as the system's names do. */
function latin1(name: string): string {
  return Buffer.from(encodeName(name) ?? []).toString("latin1");
}

/** What renameat2 checks, in its order. */
function checkMove(
  moved: MemoryNode,
  target: MemoryNode | undefined,
  folders: { readonly from: MemoryNode; readonly to: MemoryNode },
  name: string,
  flags: MoveFlags,
): void {
  const isExchange = flags === "exchange";
  if (flags === "noReplace" && target !== undefined) throw storeError(name, Errno.EEXIST);
  if (isExchange && target === undefined) throw storeError(name, Errno.ENOENT);
  if (isAbove(moved, folders.to)) throw storeError(name, Errno.EINVAL);
  if (target === undefined || target === moved) return;
  if (isAbove(target, folders.from)) throw storeError(name, isExchange ? Errno.EINVAL : Errno.ENOTEMPTY);
  if (isExchange) return;
  if (moved.kind === "folder" && target.kind !== "folder") throw storeError(name, Errno.ENOTDIR);
  if (moved.kind !== "folder" && target.kind === "folder") throw storeError(name, Errno.EISDIR);
  if ((target.children?.size ?? 0) > 0) throw storeError(name, Errno.ENOTEMPTY);
}

/** Whether `node` is this folder, or one above it. */
function isAbove(node: MemoryNode, folder: MemoryNode): boolean {
  for (let above: MemoryNode | undefined = folder; above !== undefined; above = above.parent) {
    if (above === node) return true;
  }
  return false;
}
