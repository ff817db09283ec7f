import type { FileStat } from "../core/wire/control.js";
import { check, Errno } from "../kernel/errno.js";
import { factsOf } from "../kernel/facts.js";
import * as libc from "../kernel/libc.js";
import { ListCollector } from "./folder-list.js";
import { type MemoryContents, MemoryTree } from "./memory-tree.js";
import { checkName } from "./names.js";
import { PageFile, type PageFileOwner } from "./page-file.js";
import { RefusedPool } from "./refused-pages.js";
import type { ListPage, ListQuery, OpenOptions, Store, StoreFile, SyncDone } from "./store.js";
import { checkRegularKind, storeError } from "./store-error.js";
import { type PathPlace, walkPath } from "./tree-path.js";

type NewFile = Parameters<MemoryContents["make"]>[2];

/** Files in memory, for tests and for state that may die with its home. Nothing is ever durable, so `sync` has nothing to do. */
export class MemoryStore implements Store, PageFileOwner {
  readonly refused = new RefusedPool(0);
  readonly refusedBytes = 0;
  readonly wakeFd = -1;
  readonly tree: MemoryTree;
  readonly #notes = new Map<string, string>();
  readonly #files = new Map<number, PageFile>();
  readonly #owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };

  constructor() {
    this.tree = new MemoryTree({
      make: (inode, name, options) => this.#make(inode, name, options),
      drop: (file) => this.#drop(file),
    });
  }

  open(name: string, options: OpenOptions = {}): { file: StoreFile; created: boolean } {
    checkName(name);
    const place = walkPath(this.tree, name, { followLast: true });
    if (place.attributes === undefined && options.create !== true) throw storeError(name, Errno.ENOENT);
    if (place.attributes !== undefined) checkRegularKind(name, place.attributes.kind);
    const { exclusive = false, size, policy } = options;
    const parent = this.#makeFolders(place);
    const lastName = place.missing.at(-1) ?? place.name;
    return this.tree.create(parent, lastName, {
      ...this.#owner,
      mode: 0o644,
      exclusive: exclusive && options.create === true,
      size,
      policy,
    });
  }

  readNote(name: string): string | undefined {
    return this.#notes.get(name) || undefined;
  }

  writeNote(name: string, text: string): void {
    this.#notes.set(name, text);
  }

  removeNote(name: string): void {
    this.#notes.delete(name);
  }

  noteNames(folder: string): string[] {
    return [...this.#notes.keys()].filter((name) => name.startsWith(`${folder}/`));
  }

  syncAll(): void {}

  stat(name: string): FileStat {
    checkName(name);
    const { attributes } = walkPath(this.tree, name, { followLast: true });
    if (attributes === undefined) throw storeError(name, Errno.ENOENT);
    checkRegularKind(name, attributes.kind);
    const file = this.#file(attributes.inode);
    const { sizeBytes, modifiedMillis, allocatedBytes } = factsOf(file.fd);
    return { name, size: sizeBytes, policy: file.policy, modifiedMillis, allocatedBytes };
  }

  list(query: ListQuery = {}): ListPage {
    const collector = new ListCollector(query, (name) => this.stat(name));
    this.#names(this.tree.root, "")
      .sort()
      .every((name) => collector.offer(name));
    return collector.page();
  }

  rename(from: string, to: string): void {
    this.stat(from); // Names are checked before anything is made.
    checkName(to);
    const source = walkPath(this.tree, from, { followLast: false });
    const target = walkPath(this.tree, to, { followLast: false });
    const newParent = this.#makeFolders(target);
    this.tree.move(source.parent, source.name, newParent, target.missing.at(-1) ?? target.name, "replace");
  }

  remove(name: string): void {
    checkName(name);
    const { parent, name: last, attributes } = walkPath(this.tree, name, { followLast: false });
    if (attributes === undefined) throw storeError(name, Errno.ENOENT);
    this.tree.unlink(parent, last);
  }

  onWake(): void {
    // Syncs end at once.
  }

  retry(): void {
    // Memory refuses nothing.
  }

  close(): void {
    for (const file of this.#files.values()) libc.close(file.fd);
    this.#files.clear();
  }

  sync(_file: PageFile, done: SyncDone): void {
    done(undefined);
  }

  closed(file: PageFile): void {
    file.users--;
    this.tree.closed(file.inode);
  }

  isRemoved(file: PageFile): boolean {
    return this.tree.attributes(file.inode).links === 0;
  }

  #file(inode: number): PageFile {
    const file = this.#files.get(inode);
    if (file === undefined) throw storeError(`inode ${inode}`, Errno.ESTALE);
    return file;
  }

  /** Makes the folders that are missing on the way. @returns the last one's inode */
  #makeFolders({ parent, name, missing }: PathPlace): number {
    const folders = [name, ...missing].slice(0, -1);
    return folders.reduce(
      (folder, part) => this.tree.mkdir(folder, part, { ...this.#owner, mode: 0o755 }).inode,
      parent,
    );
  }

  /** The paths of all files under a folder. */
  #names(folder: number, start: string): string[] {
    const names: string[] = [];
    for (let after = "", more = true; more; ) {
      const page = this.tree.readdir(folder, after);
      for (const { name, attributes } of page.entries) {
        if (attributes.kind === "file") names.push(start + name);
        if (attributes.kind === "folder") names.push(...this.#names(attributes.inode, `${start}${name}/`));
      }
      more = page.more;
      after = page.entries.at(-1)?.name ?? after;
    }
    return names;
  }

  #make(inode: number, name: string, { size = 0, policy = "optimal" }: NewFile): PageFile {
    const fd = check(libc.memfdCreate("dmmap-file", 1), "memfd_create");
    if (libc.ftruncate(fd, size) !== 0) {
      const errno = libc.errno();
      libc.close(fd);
      throw storeError(name, errno);
    }
    const file = new PageFile(this, fd, { key: `memory:${inode}`, inode }, name, policy);
    this.#files.set(inode, file);
    return file;
  }

  #drop(file: PageFile): void {
    if (!this.#files.delete(file.inode)) return;
    libc.close(file.fd);
  }
}
