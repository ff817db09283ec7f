import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { DmmapError } from "../core/error.js";
import type { FileStat } from "../core/wire/control.js";
import { Errno } from "../kernel/errno.js";
import { type FileFacts, factsOf } from "../kernel/facts.js";
import { Folder, OpenFlag, tryLockFile } from "../kernel/folder.js";
import { reopen } from "../kernel/inode-attributes.js";
import * as libc from "../kernel/libc.js";
import { FileTree } from "./file-tree.js";
import { ListCollector, offerNames } from "./folder-list.js";
import { checkName, folderOf, foldersAbove, ownFolder } from "./names.js";
import { equip, policyOf } from "./new-file.js";
import { NotesFolder } from "./notes-folder.js";
import { PageFile, type PageFileOwner } from "./page-file.js";
import { RefusedPool } from "./refused-pages.js";
import { reopenOwn } from "./reopen-own.js";
import type { ListPage, ListQuery, OpenOptions, Store, StoreFile, SyncDone } from "./store.js";
import { checkRegularKind, storeError } from "./store-error.js";
import { SyncQueue } from "./sync-queue.js";
import { type Syncer, ThreadSyncer } from "./syncer.js";
import { walkPath } from "./tree-path.js";

const openFlags = OpenFlag.nonBlocking | OpenFlag.noControllingTerminal; // Opening a fifo or a terminal must not wait.
/** Why a file cannot be written, but perhaps read. ETXTBSY: it is a program that runs. */
const readOnlyReasons = new Set<number>([Errno.EACCES, Errno.EPERM, Errno.EROFS, Errno.ETXTBSY]);
const refusedBytesMax = 64 * 1024 * 1024;

/**
 * The files of a folder, in place, byte for byte. One home at a time has a folder. What other tools change in it while
 * it is served is not noticed.
 */
export class FileStore implements Store, PageFileOwner {
  readonly tree: FileTree;
  readonly refused: RefusedPool;
  readonly wakeFd: number;
  readonly #path: string;
  readonly #folder: Folder;
  readonly #lockFd: number;
  readonly #syncer: Syncer;
  readonly #syncs: SyncQueue;
  readonly #open = new Map<string, PageFile>();
  readonly #notes: NotesFolder;

  constructor(path: string, options: { syncer?: Syncer; refusedBytesMax?: number } = {}) {
    this.#path = resolve(path);
    makeServed(this.#path);
    this.#folder = new Folder(this.#path);
    this.#notes = new NotesFolder(join(this.#path, ownFolder));
    this.#lockFd = this.#lock();
    this.#notes.reserve("sessions"); // A full disk must not keep nodes from opening files.
    this.refused = new RefusedPool(options.refusedBytesMax ?? refusedBytesMax);
    this.#syncer = options.syncer ?? new ThreadSyncer();
    this.wakeFd = this.#syncer.wakeFd;
    this.#syncs = new SyncQueue(this.#syncer, (file) => this.#closeIfIdle(file));
    this.tree = new FileTree(this.#folder.fd, {
      openFile: (key) => this.#open.get(key),
      use: (fd, key, name, write) => this.#use(fd, key, name, write),
      adopt: (fd, name) => this.#fileOf(fd, name),
      folderChanged: (path) => this.#changed(path),
      folderMoved: (from, to) => this.#syncs.folderMoved(join(this.#path, from), join(this.#path, to)),
      syncFolders: (done) => this.#syncs.syncFolders(done),
    });
  }

  get refusedBytes(): number {
    return this.refused.bytes;
  }

  open(name: string, options: OpenOptions = {}): { file: StoreFile; created: boolean } {
    checkName(name);
    let fd = this.#folder.open(name, OpenFlag.readWrite | openFlags, 0);
    const created = fd === -Errno.ENOENT && options.create === true;
    if (created) fd = this.#create(name, options);
    if (fd < 0) throw storeError(name, -fd);
    try {
      if (!created && options.create === true && options.exclusive === true) throw storeError(name, Errno.EEXIST);
      const file = this.#fileOf(fd, name);
      this.#note(name);
      return { file, created };
    } catch (error) {
      libc.close(fd);
      throw error;
    }
  }

  readNote(name: string): string | undefined {
    return this.#notes.read(name);
  }

  writeNote(name: string, text: string): void {
    this.#notes.write(name, text);
  }

  removeNote(name: string): void {
    this.#notes.remove(name);
  }

  noteNames(folder: string): string[] {
    return this.#notes.names(folder);
  }

  syncAll(): void {
    if (libc.syncfs(this.#lockFd) < 0) throw storeError(this.#path, libc.errno());
  }

  stat(name: string): FileStat {
    checkName(name);
    const fd = this.#folder.open(name, OpenFlag.readOnly | openFlags, 0);
    if (fd < 0) throw storeError(name, -fd);
    try {
      const { sizeBytes, modifiedMillis, allocatedBytes } = checkRegular(name, fd);
      return { name, size: sizeBytes, policy: policyOf(fd), modifiedMillis, allocatedBytes };
    } finally {
      libc.close(fd);
    }
  }

  list(query: ListQuery = {}): ListPage {
    const collector = new ListCollector(query, (name) => {
      try {
        return this.stat(name);
      } catch {
        return undefined;
      }
    });
    offerNames(this.#path, "", collector);
    return collector.page();
  }

  rename(from: string, to: string): void {
    this.stat(from); // Names and folders are checked before anything is made.
    checkName(to);
    this.#makeFoldersAbove(to);
    const errno = -this.#folder.rename(from, to);
    if (errno !== 0) throw storeError(`${from} → ${to}`, errno);
    this.#nameChanged(folderOf(from));
    this.#nameChanged(folderOf(to));
  }

  remove(name: string): void {
    checkName(name);
    const errno = -this.#folder.unlink(name);
    if (errno !== 0) throw storeError(name, errno);
    this.#nameChanged(folderOf(name));
  }

  onWake(): void {
    this.#syncs.onWake();
  }

  retry(): void {
    for (const file of [...this.#open.values()]) {
      if (file.refused.count > 0 && file.retryRefused() === 0) this.#closeIfIdle(file);
    }
  }

  close(): void {
    for (const file of this.#open.values()) libc.close(file.fd);
    this.#open.clear();
    this.tree.close();
    this.#syncer.close();
    this.#folder.close();
    this.#notes.close();
    libc.close(this.#lockFd);
  }

  sync(file: PageFile, done: SyncDone, isUrgent: boolean): void {
    this.#syncs.sync(file, done, isUrgent);
  }

  closed(file: PageFile): void {
    file.users--;
    this.#closeIfIdle(file);
  }

  isRemoved(file: PageFile): boolean {
    return factsOf(file.fd).links === 0 && !this.tree.isKept(file.inode);
  }

  /** A file that nobody uses stays open while a sync of it runs, or while the disk still owes it pages. */
  #closeIfIdle(file: PageFile): void {
    if (file.users > 0 || this.#syncs.isBusy(file)) return;
    if (file.refused.count > 0 && factsOf(file.fd).links > 0) return;
    file.refused.drop(0, Number.POSITIVE_INFINITY); // Removed, and unused: nobody can ever read what was refused.
    if (this.#open.get(file.key) !== file) return; // Closed before.
    this.#open.delete(file.key);
    if (factsOf(file.fd).links === 0) this.#syncs.forget(file.key);
    libc.close(file.fd);
  }

  /** So that the tree can tell the file's path, wherever its folders move. */
  #note(name: string): void {
    try {
      walkPath(this.tree, name, { followLast: true });
    } catch (error) {
      if (!(error instanceof DmmapError)) throw error; // It has moved already: then by way of the disk.
    }
  }

  /** Opens a file of the tree: for writing too, whoever asks, unless this home may not. */
  #use(fd: number, key: string, name: string, write: boolean): PageFile {
    const open = this.#open.get(key);
    if (open !== undefined && (open.mayWrite || !write)) {
      open.users++;
      return open;
    }
    let own = reopenOwn(fd, OpenFlag.readWrite + openFlags);
    const mayWrite = own >= 0;
    if (!mayWrite && !write && readOnlyReasons.has(-own)) own = reopen(fd, OpenFlag.readOnly + openFlags);
    if (own < 0) throw storeError(name, -own);
    return this.#fileOf(own, name, mayWrite);
  }

  /** Takes the descriptor over. */
  #fileOf(fd: number, name: string, mayWrite = true): PageFile {
    const facts = checkRegular(name, fd);
    let file = this.#open.get(facts.key);
    if (file === undefined) {
      file = new PageFile(this, fd, facts, name, policyOf(fd));
      file.mayWrite = mayWrite;
      this.#open.set(facts.key, file);
    } else {
      if (mayWrite && !file.mayWrite) file.mayWrite = libc.dup3(fd, file.fd, OpenFlag.closeOnExec) >= 0;
      libc.close(fd);
    }
    file.users++;
    return file;
  }

  /** @returns a descriptor, or a negative errno. A file that cannot be made in full is not made at all. */
  #create(name: string, options: OpenOptions): number {
    this.#makeFoldersAbove(name);
    const flags = OpenFlag.readWrite | OpenFlag.create | OpenFlag.exclusive | openFlags;
    const fd = this.#folder.open(name, flags, 0o666);
    if (fd < 0) return fd;
    try {
      equip(name, fd, options);
    } catch (error) {
      libc.close(fd);
      this.#folder.unlink(name);
      throw error;
    }
    this.#nameChanged(folderOf(name));
    return fd;
  }

  #makeFoldersAbove(name: string): void {
    for (const folder of foldersAbove(name)) {
      const errno = -this.#folder.makeFolder(folder);
      if (errno === 0) this.#nameChanged(folderOf(folder));
      else if (errno !== Errno.EEXIST) throw storeError(folder, errno);
    }
  }

  #nameChanged(folder: string): void {
    this.#changed(folder);
    this.tree.namesChanged();
  }

  #changed(folder: string): void {
    this.#syncs.folderChanged(join(this.#path, folder));
  }

  #lock(): number {
    const fd = this.#folder.open(`${ownFolder}/lock`, OpenFlag.readWrite | OpenFlag.create, 0o666);
    if (fd < 0) throw badFolder(this.#path, storeError("its lock", -fd));
    const lockPath = join(this.#path, ownFolder, "lock");
    if (!tryLockFile(fd)) {
      libc.close(fd);
      this.#folder.close();
      const owner = readFileSync(lockPath, "utf8").trim();
      throw new DmmapError("DMMAP_BAD_FOLDER", `${this.#path} is served already, by the home of process ${owner}`);
    }
    writeFileSync(lockPath, `${process.pid}\n`);
    return fd;
  }
}

function makeServed(path: string): void {
  try {
    makeFolder(join(path, ownFolder));
  } catch (error) {
    throw badFolder(path, error);
  }
}

/** Not by mkdir's own `recursive`, which never ends where a folder cannot be made below one that exists (/proc). */
function makeFolder(path: string): void {
  if (existsSync(path)) return;
  if (!existsSync(dirname(path))) makeFolder(dirname(path));
  mkdirSync(path);
}

function badFolder(path: string, cause: unknown): DmmapError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new DmmapError("DMMAP_BAD_FOLDER", `cannot serve ${path}: ${reason}`, { cause });
}

function checkRegular(name: string, fd: number): FileFacts {
  const facts = factsOf(fd);
  checkRegularKind(name, facts.kind);
  return facts;
}
