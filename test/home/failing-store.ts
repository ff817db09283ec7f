import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { DmmapError } from "../../src/core/error.js";
import { MemoryStore } from "../../src/store/memory-store.js";
import type { Store, StoreFile } from "../../src/store/store.js";

const faults = process.env.DMMAP_TEST_FAULTS ?? "";

/** Fails while a file of the fault's name lies in the folder of faults. */
function failing(fault: string): DmmapError | undefined {
  return existsSync(join(faults, fault)) ? new DmmapError("DMMAP_IO", `a ${fault} that fails`) : undefined;
}

/** The same for a fault of one page: `read 5` lies there. */
function failingPage(fault: string, start: number, end: number): DmmapError | undefined {
  const pages = existsSync(faults) ? readdirSync(faults).filter((name) => name.startsWith(`${fault} `)) : [];
  const bad = pages.map((name) => Number(name.slice(fault.length + 1))).find((page) => page >= start && page < end);
  return bad === undefined ? undefined : new DmmapError("DMMAP_IO", `a ${fault} of page ${bad} that fails`);
}

/** Syncs that come to no end while there is a fault `slow`. */
const held: (() => void)[] = [];

/** A store in memory whose disk fails when the test says so. */
export default function makeStore(): Store {
  const store = new MemoryStore();
  const { tree } = store;
  const expire = tree.expire.bind(tree);
  tree.expire = () => {
    expire(); // The home's clock, several times a lease.
    if (failing("slow") === undefined) for (const sync of held.splice(0)) sync();
  };
  const [open, openInode, create] = [store.open.bind(store), tree.openInode.bind(tree), tree.create.bind(tree)];
  const setAttributes = tree.setAttributes.bind(tree);
  tree.setAttributes = (...args) => {
    const error = failing("setAttributes");
    if (error !== undefined) throw error;
    return setAttributes(...args);
  };
  const writeNote = store.writeNote.bind(store);
  store.writeNote = (...args) => {
    const error = failing("note");
    if (error !== undefined) throw error;
    writeNote(...args);
  };
  store.open = (...args) => spoiled(open(...args));
  tree.openInode = (...args) => spoiled(openInode(...args));
  tree.create = (...args) => spoiled(create(...args));
  return store;
}

const known = new WeakSet<StoreFile>();

function spoiled<Opened extends { readonly file: StoreFile }>(opened: Opened): Opened {
  if (!known.has(opened.file)) spoil(opened.file);
  known.add(opened.file);
  return opened;
}

function spoil(file: StoreFile): void {
  const sync = file.sync.bind(file);
  const read = file.read.bind(file);
  const setSize = file.setSize.bind(file);
  file.sync = (done) => {
    const error = failing("sync");
    if (failing("slow") !== undefined) held.push(() => file.sync(done));
    else if (error === undefined) sync(done);
    else done(error);
  };
  file.read = (start, end, to) => {
    const error = failing("read") ?? failingPage("read", start, end);
    if (error !== undefined) throw error;
    read(start, end, to);
  };
  file.setSize = (sizeBytes) => {
    const error = failing("setSize");
    if (error !== undefined) throw error;
    setSize(sizeBytes);
  };
}
