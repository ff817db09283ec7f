import { type Micros, type PageIndex, pageBytes, pageMax } from "../core/units.js";
import { nowMicros } from "../kernel/clock.js";
import type { Node } from "../node/node.js";
import type { SessionChange } from "../node/node-session.js";
import type { OpenFile } from "../node/open-files.js";
import type { DropPages } from "./kernel-pages.js";
import { MountFile, type SizeSink } from "./mount-file.js";
import type { Nodes } from "./nodes.js";

/** How long a file that nobody uses stays open: what is cached of it is there when it is opened again. */
const idleMicros = 10_000_000;
const idleMax = 1000;

interface Entry {
  readonly inode: number;
  file: MountFile | undefined;
  users: number;
  writers: number;
  /** On its way: being opened, opened for writing too, or closed. Whoever wants it waits. */
  isBusy: boolean;
  readonly waiters: (() => void)[];
  idleSince: Micros;
}

/** Tells the kernel to drop bytes of an inode's pages, and calls back. `byteLength` 0 is to the end. */
export type Invalidate = (inode: number, offset: number, byteLength: number, onDone: () => void) => void;

export interface MountFilesSink {
  readonly invalidate: Invalidate;
  /** The file's size and times are about to change without a question. Calls `act`, which calls `end` when they may. */
  beforeWriting(inode: number, act: (end: () => void) => void): void;
  /** The kernel has dropped pages of this file. */
  onDropped(file: MountFile): void;
  readonly sizes: SizeSink;
}

/** The files that programs of this mount have open, and those that they had open a moment ago: one for each inode. */
export class MountFiles {
  readonly #node: Node;
  readonly #nodes: Nodes;
  readonly #sink: MountFilesSink;
  readonly #entries = new Map<number, Entry>();

  constructor(node: Node, nodes: Nodes, sink: MountFilesSink) {
    this.#node = node;
    this.#nodes = nodes;
    this.#sink = sink;
    node.addTimer((now) => this.#onTime(now));
  }

  find(inode: number): MountFile | undefined {
    return this.#entries.get(inode)?.file;
  }

  all(): MountFile[] {
    return [...this.#entries.values()].flatMap(({ file }) => file ?? []);
  }

  /** Opens the file, or uses it once more: each call wants one `release`. */
  acquire(inode: number, write: boolean, onFile: (file: MountFile) => void, onFail: (error: unknown) => void): void {
    const entry = this.#entries.get(inode) ?? this.#add(inode);
    const again = () => this.acquire(inode, write, onFile, onFail);
    if (entry.isBusy) {
      entry.waiters.push(again);
      return;
    }
    const { file } = entry;
    if (file === undefined || (write && !file.isWriteOpen)) return this.#open(entry, write, again, onFail);
    if (file.open.isGone) return this.#node.openAgain(file.open, again, onFail);
    entry.users++;
    if (write) entry.writers++;
    onFile(file);
  }

  release(file: MountFile, write: boolean): void {
    const entry = this.#entries.get(file.inode);
    if (entry === undefined) return;
    entry.users--;
    if (write) entry.writers--;
    if (write && entry.writers === 0) this.#endWriting(entry, file);
    if (entry.users > 0) return;
    entry.idleSince = nowMicros();
    this.#node.wakeAt(entry.idleSince + idleMicros);
  }

  /**
   * R15: what the kernel has may be out of date from here on, so it is to ask again. What it still writes goes to the node's
   * cache, and lives or dies with that.
   */
  onSession(change: SessionChange): void {
    if (change !== "lapsed" && change !== "new") return;
    for (const file of this.all()) file.whenDropped(0, pageMax, () => undefined);
  }

  #add(inode: number): Entry {
    const entry = { inode, file: undefined, users: 0, writers: 0, isBusy: false, waiters: [], idleSince: 0 };
    this.#entries.set(inode, entry);
    return entry;
  }

  #open(entry: Entry, write: boolean, again: () => void, onFail: (error: unknown) => void): void {
    entry.isBusy = true;
    if (!write) return this.#ask(entry, false, again, onFail);
    this.#sink.beforeWriting(entry.inode, (end) => {
      const ended = (act: () => void) => () => {
        end();
        act();
      };
      this.#ask(entry, true, ended(again), (error) => ended(() => onFail(error))());
    });
  }

  #ask(entry: Entry, write: boolean, again: () => void, onFail: (error: unknown) => void): void {
    const { inode } = entry;
    const args = (writes: boolean) => ({ inode, write: writes, ...this.#placeOf(inode) });
    const request = { op: "openInode", args: () => args(write) };
    const reopen = { op: "openInode", args: () => args(entry.file?.isWriteOpen === true) };
    const onOpened = (open: OpenFile) => {
      if (entry.file !== undefined) open.opens--; // Only raised: one close will be enough.
      const file = entry.file ?? this.#addFile(entry, open);
      if (!write) return this.#ready(entry, again);
      file.isWriteOpen = true;
      file.whenDropped(0, pageMax, () => this.#ready(entry, again));
    };
    this.#node.open(this.#nodes.pathOf(inode) ?? `inode ${inode}`, request, reopen, onOpened, (error) => {
      if (entry.file === undefined) this.#entries.delete(inode);
      this.#ready(entry, () => onFail(error));
    });
  }

  /** A home that has restarted finds the inode by its path. */
  #placeOf(inode: number): { path?: string } {
    const path = this.#nodes.pathOf(inode);
    return path === undefined ? {} : { path };
  }

  #ready(entry: Entry, first: () => void): void {
    entry.isBusy = false;
    first();
    for (const waiter of entry.waiters.splice(0)) waiter();
  }

  #addFile(entry: Entry, open: OpenFile): MountFile {
    const { inode } = entry;
    const drop: DropPages = (start, end, recall) => this.#drop(file, start, end, recall);
    const file: MountFile = new MountFile(inode, open, drop, this.#sink.sizes, {
      tellStored: () => this.#tellStored(open),
      sendDirty: () => this.#node.sendDirty(() => undefined),
      wakeAt: (at) => this.#node.wakeAt(at),
    });
    file.shownBytes = this.#nodes.toldBytes(inode);
    entry.file = file;
    return file;
  }

  #tellStored(open: OpenFile): void {
    const args = () => ({ file: open.file.number });
    this.#node.requests.ask({ op: "times", args, onReply: () => undefined, onFail: () => undefined });
  }

  #drop(file: MountFile, start: PageIndex, end: PageIndex, recall: number): void {
    const byteLength = end >= pageMax ? 0 : (end - start) * pageBytes;
    this.#sink.invalidate(file.inode, start * pageBytes, byteLength, () => {
      file.onDropped(recall);
      this.#sink.onDropped(file);
    });
  }

  /** Pages that the kernel was given for writing may have to be read ones from now on: it must ask for them again. */
  #endWriting(entry: Entry, file: MountFile): void {
    file.whenDropped(0, pageMax, () => {
      if (entry.writers === 0 && !entry.isBusy) file.isWriteOpen = false;
    });
  }

  #onTime(now: Micros): Micros {
    let again = Number.POSITIVE_INFINITY;
    let idleCount = 0;
    for (const entry of this.#entries.values()) if (entry.users === 0) idleCount++;
    for (const entry of [...this.#entries.values()]) {
      const { file, users, isBusy, idleSince } = entry;
      if (file === undefined) continue;
      again = Math.min(again, file.onTime(now));
      if (users > 0 || isBusy) continue;
      if (now < idleSince + idleMicros && idleCount <= idleMax) again = Math.min(again, idleSince + idleMicros);
      else this.#close(entry, file);
    }
    return again;
  }

  #close(entry: Entry, file: MountFile): void {
    entry.isBusy = true;
    file.tellTimes();
    const onEnd = () => {
      this.#entries.delete(entry.inode);
      this.#nodes.told(entry.inode, file.shownBytes);
      for (const waiter of entry.waiters.splice(0)) waiter();
    };
    this.#node.close(file.open, onEnd, onEnd);
  }
}
