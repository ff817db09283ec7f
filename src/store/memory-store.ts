import type { Policy } from "../core/units.js";
import type { FileStat } from "../core/wire/control.js";
import { check, Errno } from "../kernel/errno.js";
import { factsOf } from "../kernel/folder.js";
import * as libc from "../kernel/libc.js";
import { ListCollector } from "./folder-list.js";
import { checkName } from "./names.js";
import { PageFile, type PageFileOwner } from "./page-file.js";
import { RefusedPool } from "./refused-pages.js";
import type { ListPage, ListQuery, OpenOptions, Store, StoreFile, SyncDone } from "./store.js";
import { storeError } from "./store-error.js";

/** Files in memory, for tests and for state that may die with its home. Nothing is ever durable, so `sync` has nothing to do. */
export class MemoryStore implements Store, PageFileOwner {
  readonly refused = new RefusedPool(0);
  readonly refusedBytes = 0;
  readonly wakeFd = -1;
  readonly #names = new Map<string, PageFile>();
  readonly #notes = new Map<string, string>();
  readonly #files = new Set<PageFile>();
  #lastFile = 0;

  open(name: string, options: OpenOptions = {}): { file: StoreFile; created: boolean } {
    checkName(name);
    const found = this.#names.get(name);
    if (found === undefined && options.create !== true) throw storeError(name, Errno.ENOENT);
    if (found !== undefined && options.create === true && options.exclusive === true) {
      throw storeError(name, Errno.EEXIST);
    }
    const file = found ?? this.#create(name, options.size ?? 0, options.policy ?? "optimal");
    file.users++;
    return { file, created: found === undefined };
  }

  readNote(name: string): string | undefined {
    return this.#notes.get(name) || undefined;
  }

  writeNote(name: string, text: string): void {
    this.#notes.set(name, text);
  }

  stat(name: string): FileStat {
    checkName(name);
    const { fd, policy } = this.#find(name);
    const { sizeBytes, modifiedMillis, allocatedBytes } = factsOf(fd);
    return { name, size: sizeBytes, policy, modifiedMillis, allocatedBytes };
  }

  list(query: ListQuery = {}): ListPage {
    const collector = new ListCollector(query, (name) => this.stat(name));
    [...this.#names.keys()].sort().every((name) => collector.offer(name));
    return collector.page();
  }

  rename(from: string, to: string): void {
    checkName(from);
    checkName(to);
    const file = this.#find(from);
    if (from === to) return;
    const replaced = this.#names.get(to);
    this.#names.delete(from);
    this.#names.set(to, file);
    if (replaced !== undefined) this.#closeIfIdle(replaced);
  }

  remove(name: string): void {
    checkName(name);
    const file = this.#find(name);
    this.#names.delete(name);
    this.#closeIfIdle(file);
  }

  onWake(): void {
    // Syncs end at once.
  }

  retry(): void {
    // Memory refuses nothing.
  }

  close(): void {
    for (const file of this.#files) libc.close(file.fd);
    this.#files.clear();
    this.#names.clear();
  }

  sync(_file: PageFile, done: SyncDone): void {
    done(undefined);
  }

  closed(file: PageFile): void {
    file.users--;
    this.#closeIfIdle(file);
  }

  #find(name: string): PageFile {
    const file = this.#names.get(name);
    if (file === undefined) throw storeError(name, Errno.ENOENT);
    return file;
  }

  #create(name: string, sizeBytes: number, policy: Policy): PageFile {
    const fd = check(libc.memfdCreate("dmmap-file", 1), "memfd_create");
    if (libc.ftruncate(fd, sizeBytes) !== 0) {
      const errno = libc.errno();
      libc.close(fd);
      throw storeError(name, errno);
    }
    const file = new PageFile(this, fd, `memory:${++this.#lastFile}`, name, policy);
    this.#files.add(file);
    this.#names.set(name, file);
    return file;
  }

  /** A file lives while it has a name or a user. */
  #closeIfIdle(file: PageFile): void {
    if (file.users > 0 || !this.#files.has(file)) return;
    for (const named of this.#names.values()) if (named === file) return;
    this.#files.delete(file);
    libc.close(file.fd);
  }
}
