import { DmmapError } from "../core/error.js";
import type { StableDuties } from "../core/home/duties.js";
import { LockWaits } from "../core/home/lock-waits.js";
import type { NodeId } from "../core/units.js";
import { pathLengthMax } from "../core/wire/frame.js";
import type { OpenOptions, Store, StoreFile, SyncDone } from "../store/store.js";
import type { Tree } from "../store/tree.js";
import { FileTimes } from "./file-times.js";
import { GrowingFiles } from "./growing-files.js";
import { OpenFile, type OpenFileHome } from "./open-file.js";
import type { Session } from "./session.js";
import { Settling, type SettlingRecovery } from "./settling.js";

const notesFolder = "stable";

export interface OpenFilesHome extends OpenFileHome {
  /** For people. */
  onWarning(message: string): void;
}

/** The files that nodes have open, each once, however many nodes and names. */
export class OpenFiles {
  readonly growing = new GrowingFiles();
  readonly #store: Store;
  readonly #home: OpenFilesHome;
  readonly #recovery: SettlingRecovery;
  readonly #settling: Settling;
  readonly #byKey = new Map<string, OpenFile>();
  readonly #byInode = new Map<number, OpenFile>();
  readonly #lockWaits = new LockWaits();
  /** Inodes of files whose notes of what is stable there may be. */
  readonly #noted = new Set<number>();
  /** Whether notes may have become useless since `retry`. */
  #hasUselessNotes = false;
  #lastNumber = 0;

  constructor(store: Store, home: OpenFilesHome, recovery: SettlingRecovery) {
    this.#store = store;
    this.#home = home;
    this.#recovery = recovery;
    this.#settling = new Settling(recovery, {
      sync: (open, done) => this.sync(open, undefined, done, false),
      isGone: (open) => this.#isGone(open),
      onSettled: (open) => this.#closeIfIdle(open),
      onWarning: (message) => home.onWarning(message),
    });
    if (!recovery.isOpen) this.#removeUselessNotes();
  }

  endRecovery(): void {
    for (const open of this.all()) open.endRecovery();
    this.#removeUselessNotes();
  }

  /** Puts the file on stable storage, and on record what of whom that covers, before `done` hears of it (R20). */
  sync(open: OpenFile, session: string | undefined, done: SyncDone, isUrgent: boolean): void {
    const { record, end } = open.duties.beginSync(session);
    const onSynced: SyncDone = (error) => {
      const failure = error ?? this.#record(open, record);
      if (failure === undefined) end();
      done(failure);
    };
    open.file.sync(onSynced, isUrgent);
  }

  /** The node has lost its connection: what it asked for, it will ask again. */
  disconnected(open: OpenFile, node: NodeId): void {
    open.directory.disconnected(node);
    for (const table of Object.values(open.locks)) table.cancelNode(node);
  }

  get count(): number {
    return this.#byKey.size;
  }

  all(): IterableIterator<OpenFile> {
    return this.#byKey.values();
  }

  open(name: string, options: OpenOptions, node: NodeId): { open: OpenFile; created: boolean } {
    const { file, created } = this.#store.open(name, options);
    const open = this.#use(name, file, node);
    open.beginWriting(node);
    return { open, created };
  }

  /** The same for a program that has had it open. */
  openAgain(inode: number, node: NodeId): OpenFile {
    const open = this.openInode(inode, false, node);
    open.beginWriting(node);
    return open;
  }

  /** By its number in the tree. */
  openInode(inode: number, write: boolean, node: NodeId): OpenFile {
    return this.adopt(this.#store.tree.openInode(inode, { write }).file, node);
  }

  /** A file that has just been opened for the node, in the store's tree. */
  adopt(file: StoreFile, node: NodeId): OpenFile {
    return this.#use(pathOf(this.#store.tree, file.inode), file, node);
  }

  /** The open file of this inode, if anybody has it open. */
  byInode(inode: number): OpenFile | undefined {
    return this.#byInode.get(inode);
  }

  /** Whether any other node has it open for writing. */
  isWrittenBesides(node: NodeId, inode: number): boolean {
    const writers = this.#byInode.get(inode)?.writers;
    return writers !== undefined && writers.size > (writers.has(node) ? 1 : 0);
  }

  #use(name: string, file: StoreFile, node: NodeId): OpenFile {
    let open = this.#byKey.get(file.key);
    if (open === undefined) {
      const stable = this.#stableOf(file);
      open = new OpenFile(this.#home, ++this.#lastNumber, name, file, {
        recovering: this.#recovery.isOpen,
        stable,
        times: new FileTimes(file, this.#store.tree),
        lockWaits: this.#lockWaits,
        growing: this.growing,
      });
      this.#byKey.set(file.key, open);
      this.#byInode.set(file.inode, open);
    } else {
      file.close(); // The open file has its own claim on it.
    }
    open.directory.open(node);
    return open;
  }

  /** The open file that this name leads to now. Throws when there is no such file; undefined when nobody has it open. */
  find(name: string): OpenFile | undefined {
    const { file } = this.#store.open(name);
    const open = this.#byKey.get(file.key);
    file.close();
    return open;
  }

  /** The node has closed the file, and everything it answered for is on stable storage. */
  close(open: OpenFile, session: Session): void {
    this.#takeOut(open, session);
    if (open.directory.openCount === 0) this.#settling.settle(open);
  }

  /** The session is over, and nobody may answer any more for what its node had handed over (R20): the home does. */
  leave(open: OpenFile, session: Session): void {
    this.#takeOut(open, session);
    this.#settling.settle(open);
  }

  #takeOut(open: OpenFile, session: Session): void {
    open.leave(session.node);
    open.duties.forget(session.id);
    for (const about of [open, open.delegation, open.growth]) session.lease.forget(about);
  }

  /**
   * Call it every now and then: the disk may take by now what it did not. And notes of files that have been closed go, not before: they
   * may be open again by now, and who has closed one has heard so.
   */
  retry(): void {
    this.#settling.retry();
    if (!this.#hasUselessNotes) return;
    this.#hasUselessNotes = false;
    for (const inode of this.#noted) if (!this.#byInode.has(inode)) this.#removeNote(inode);
  }

  /** Whether something waits for `retry`. */
  get wantsRetry(): boolean {
    return this.#settling.isFailing || this.#hasUselessNotes;
  }

  /** What was not settled would count as stable when it is opened anew, and nobody would answer for what was seen of it then. */
  #closeIfIdle(open: OpenFile): void {
    if (open.directory.openCount > 0 || this.#byKey.get(open.file.key) !== open) return;
    this.#byKey.delete(open.file.key);
    this.#byInode.delete(open.file.inode);
    this.#hasUselessNotes ||= this.#noted.has(open.file.inode);
    open.file.close();
  }

  /** Of one that is closed already, a sync may still have been under way. */
  #isGone(open: OpenFile): boolean {
    if (open.directory.openCount > 0) return false;
    return this.#byKey.get(open.file.key) !== open || open.file.isRemoved;
  }

  #record(open: OpenFile, record: StableDuties | undefined): DmmapError | undefined {
    if (record === undefined || this.#byKey.get(open.file.key) !== open) return undefined;
    this.#noted.add(open.file.inode);
    try {
      this.#store.writeNote(noteOf(open.file.inode), JSON.stringify(record));
      return undefined;
    } catch (error) {
      if (error instanceof DmmapError) return error;
      throw error;
    }
  }

  /** Throws, and closes the file, where that is not known: it may not be opened then. */
  #stableOf(file: StoreFile): StableDuties {
    try {
      return this.#readStable(file.inode);
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /** Only after a restart does it matter which writes of before are stable. */
  #readStable(inode: number): StableDuties {
    const text = this.#recovery.isOpen ? this.#store.readNote(noteOf(inode)) : undefined;
    if (text === undefined) return {};
    this.#noted.add(inode);
    return JSON.parse(text) as StableDuties;
  }

  /**
   * A file's note is about copies that nodes keep of its pages. Who has closed the file keeps none, and who is off the record is not
   * listened to: so when nobody has it open, and nobody is expected any more who may have, its note is of no use.
   */
  #removeUselessNotes(): void {
    const needed = new Set([...this.#byInode.keys()].map(noteOf));
    for (const name of this.#store.noteNames(notesFolder)) if (!needed.has(name)) this.#store.removeNote(name);
  }

  #removeNote(inode: number): void {
    this.#noted.delete(inode);
    this.#store.removeNote(noteOf(inode));
  }
}

/** By its number alone: its device may have another after the machine has started again. */
function noteOf(inode: number): string {
  return `${notesFolder}/${inode}`;
}

/** For people. What has lost its last name may still be opened by those who have it open; and no path is too long for a folder. */
function pathOf(tree: Tree, inode: number): string {
  try {
    const path = tree.pathOf(inode);
    return path.length > pathLengthMax ? `inode ${inode}` : path;
  } catch (error) {
    if (error instanceof DmmapError) return `inode ${inode}`;
    throw error;
  }
}
