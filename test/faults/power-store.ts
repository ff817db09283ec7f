import { closeSync, existsSync, fstatSync, openSync, writeSync } from "node:fs";
import type { PageIndex } from "../../src/core/units.js";
import { pageBytes } from "../../src/core/units.js";
import * as libc from "../../src/kernel/libc.js";
import { NativeBuffer } from "../../src/kernel/native-buffer.js";
import { FileStore } from "../../src/store/file-store.js";
import type { Store, StoreFile } from "../../src/store/store.js";
import { JournalKind, journalHeaderBytes } from "./power-failure.js";

/**
 * A file store on a machine whose power can fail: keeps a journal of every write and every sync that succeeded, from which
 * `losePower` makes what a disk may have had at that moment. Names, sizes and notes are durable at once. While there is an
 * entry `slow` in its folder, no sync comes to its end.
 */
export default function makeStore(): Store {
  const folder = process.env.DMMAP_TEST_FOLDER ?? "";
  const store = new FileStore(`${folder}/files`);
  const journal = new Journal(`${folder}/journal`);
  const watched = new Set<StoreFile>();
  const watchOnce = (file: StoreFile, name: string) => {
    if (watched.has(file)) return;
    watched.add(file);
    watch(file, name, journal, () => existsSync(`${folder}/slow`));
  };
  const { tree } = store;
  const [open, openInode] = [store.open.bind(store), tree.openInode.bind(tree)];
  store.open = (name, options) => {
    const opened = open(name, options);
    watchOnce(opened.file, name);
    return opened;
  };
  tree.openInode = (inode, options) => {
    const opened = openInode(inode, options);
    watchOnce(opened.file, tree.pathOf(inode));
    return opened;
  };
  const syncAll = store.syncAll.bind(store);
  store.syncAll = () => {
    syncAll();
    journal.syncedAll(journal.bytes);
  };
  return store;
}

function watch(file: StoreFile, name: string, journal: Journal, isSlow: () => boolean): void {
  const write = file.write.bind(file);
  const writeZeros = file.writeZeros.bind(file);
  const sync = file.sync.bind(file);
  file.write = (start, end, from) => {
    journal.write(name, start, end, from);
    return write(start, end, from);
  };
  file.writeZeros = (start, end) => {
    for (let page = start; page < Math.min(end, Math.ceil(file.sizeBytes / pageBytes)); page++)
      journal.zeros(name, page);
    return writeZeros(start, end);
  };
  file.sync = (done) => {
    if (isSlow()) return;
    const covered = journal.bytes;
    sync((error) => {
      if (error === undefined) journal.synced(name, covered);
      done(error);
    });
  };
}

class Journal {
  readonly #fd: number;
  readonly #header = Buffer.alloc(journalHeaderBytes);
  readonly #page = new NativeBuffer(pageBytes);
  bytes: number;

  /** Goes on with that of the home before, if that died and the power did not fail. */
  constructor(path: string) {
    this.#fd = openSync(path, "a");
    this.bytes = fstatSync(this.#fd).size;
    process.once("exit", () => closeSync(this.#fd));
  }

  write(name: string, start: PageIndex, end: PageIndex, from: number): void {
    for (let page = start; page < end; page++) {
      libc.memcpy(this.#page.address, from + (page - start) * pageBytes, pageBytes);
      this.#put(JournalKind.page, name, page);
      this.bytes += writeSync(this.#fd, this.#page.bytes.subarray(0, pageBytes));
    }
  }

  zeros(name: string, page: PageIndex): void {
    this.#put(JournalKind.zeros, name, page);
  }

  synced(name: string, covered: number): void {
    this.#put(JournalKind.synced, name, covered);
  }

  syncedAll(covered: number): void {
    this.#put(JournalKind.syncedAll, "", covered);
  }

  #put(kind: number, name: string, value: number): void {
    this.#header.fill(0);
    this.#header.writeInt32LE(kind, 0);
    this.#header.writeDoubleLE(value, 8);
    this.#header.write(name, 16);
    this.bytes += writeSync(this.#fd, this.#header);
  }
}
