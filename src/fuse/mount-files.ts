import { type Micros, type PageIndex, pageBytes, pageMax } from "../core/units.js";
import { whenAll } from "../core/when-all.js";
import type { AttributeChanges, Attributes } from "../core/wire/attributes.js";
import type { Opened } from "../core/wire/control.js";
import { nowMicros } from "../kernel/clock.js";
import type { Node } from "../node/node.js";
import type { SessionChange } from "../node/node-session.js";
import type { OpenFile, OpenRequest } from "../node/open-files.js";
import type { DropPages } from "./kernel-pages.js";
import { MountFile, type SizeSink } from "./mount-file.js";
import type { Nodes } from "./nodes.js";

/** How long a file that nobody uses stays open: what is cached of it is there when it is opened again. */
const idleMicros = 10_000_000;
const idleMax = 1000;

interface Entry {
  readonly inode: number;
  /** Which thing of that number it is. */
  readonly thing: ReturnType<Nodes["thing"]>;
  file: MountFile | undefined;
  users: number;
  writers: number;
  /** On its way: being opened, opened for writing too, or closed. Whoever wants it waits. */
  isBusy: boolean;
  readonly waiters: (() => void)[];
  idleSince: Micros;
  /** It has lost its name: nobody will open it again. */
  isRemoved: boolean;
}

/** Tells the kernel to drop bytes of an inode's pages, and calls back. `byteLength` 0 is to the end. */
export type Invalidate = (inode: number, offset: number, byteLength: number, onDone: () => void) => void;

export interface MountFilesSink {
  readonly invalidate: Invalidate;
  /** The file's size and times are about to change without a question. Calls `act`, which calls `end` when they may. */
  beforeWriting(inode: number, act: (end: () => void) => void): void;
  /** What the home has told of the file's attributes, or is about to tell, is not so any more. */
  onOutdated(inode: number): void;
  /** As of InodeRequests. */
  promise(inode: number, changes: AttributeChanges, isClaim: boolean, onEnd: (error: unknown) => void): void;
  /** The home has answered all that it was asked of the file. */
  onClosed(inode: number): void;
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
  /** Of those, the ones that nobody uses: the one that rests the longest first. */
  readonly #idle = new Set<Entry>();
  /** And the ones that may have something to do some time. */
  readonly #timed = new Set<Entry>();
  /** When one of them has. */
  #lookAt: Micros = Number.POSITIVE_INFINITY;

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

  /** Those that programs have open, and that the home has not any more. */
  gone(): MountFile[] {
    const used = [...this.#entries.values()].filter(({ users }) => users > 0);
    return used.flatMap(({ file }) => (file?.open.isGone === true ? file : []));
  }

  /** Opens the file, or uses it once more: each call wants one `release`. */
  acquire(
    inode: number,
    write: boolean,
    onFile: (file: MountFile) => void,
    onFail: (error: unknown) => void,
    thing = this.#nodes.thing(inode), // As it is meant now, however long this waits.
  ): void {
    const entry = this.#entries.get(inode) ?? this.#add(inode, thing);
    const again = () => this.acquire(inode, write, onFile, onFail, thing);
    if (entry.isBusy) {
      entry.waiters.push(again);
      return;
    }
    const { file } = entry;
    if (file?.open.isGone === true && entry.users === 0) {
      entry.waiters.push(again); // Its number may be another one's by now.
      return this.#close(entry, file);
    }
    if (file === undefined || (write && !file.isWriteOpen)) return this.#open(entry, write, again, onFail);
    if (file.open.isGone) return this.#node.openAgain(file.open, again, onFail);
    entry.users++;
    this.#idle.delete(entry);
    if (write) entry.writers++;
    onFile(file);
  }

  /** The home has opened the file just now, along with making it: whoever acquires it next finds it open. */
  adopt(attributes: Attributes, write: boolean, opened: Opened, mayHaveList: boolean): void {
    const { inode, born } = attributes;
    if (this.#entries.has(inode)) return; // That had the number before, and is being closed: `acquire` will see.
    const entry = this.#add(inode, { inode, born });
    const open = this.#node.adopt(`inode ${inode}`, this.#reopen(entry), opened);
    const file = this.#addFile(entry, open);
    file.isWriteOpen = write;
    if (open.isShared) file.sharing.seen();
    if (!mayHaveList) file.attributes.made(attributes);
    this.#rest(entry);
  }

  /** The file has no name any more. */
  removed(inode: number): void {
    const entry = this.#entries.get(inode);
    if (entry === undefined) return;
    entry.isRemoved = true;
    if (entry.users === 0 && !entry.isBusy && entry.file !== undefined) this.#close(entry, entry.file);
  }

  /** Whether programs have it open, or map it. */
  isUsed({ inode }: MountFile): boolean {
    return (this.#entries.get(inode)?.users ?? 0) > 0;
  }

  /** @returns whether no program has it open any more */
  release(file: MountFile, write: boolean): boolean {
    const entry = this.#entries.get(file.inode);
    if (entry === undefined) return true;
    entry.users--;
    if (write) entry.writers--;
    if (write && entry.writers === 0) this.#endWriting(entry, file);
    if (entry.users > 0) return false;
    if (entry.isRemoved && !entry.isBusy) this.#close(entry, file);
    else this.#rest(entry);
    return true;
  }

  /**
   * R15: what the kernel has may be out of date from here on, so it is to ask again. What it still writes goes to the node's
   * cache, and lives or dies with that.
   */
  onSession(change: SessionChange): void {
    if (change === "down") for (const file of this.all()) file.attributes.onDown();
    if (change !== "lapsed" && change !== "new") return;
    for (const file of this.all()) {
      if (change === "new") file.attributes.lose();
      file.whenDropped(0, pageMax, () => undefined);
    }
  }

  /** The connection is back: calls `done` when the home has heard what programs here have been promised. */
  claim(done: () => void): void {
    whenAll(this.all(), (file, end) => file.attributes.claim(end), done);
  }

  #add(inode: number, thing: Entry["thing"]): Entry {
    const [file, isBusy, isRemoved] = [undefined, false, false];
    const entry = { inode, thing, file, users: 0, writers: 0, isBusy, waiters: [], idleSince: nowMicros(), isRemoved };
    this.#entries.set(inode, entry);
    return entry;
  }

  /** Nobody uses it: it stays open for a while. */
  #rest(entry: Entry): void {
    entry.idleSince = nowMicros();
    this.#idle.delete(entry);
    this.#idle.add(entry);
    this.#wakeAt(entry.idleSince + (this.#idle.size > idleMax ? 0 : idleMicros));
  }

  #wakeAt(at: Micros): void {
    this.#lookAt = Math.min(this.#lookAt, at);
    this.#node.wakeAt(at);
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
    const { inode, thing } = entry;
    const request = { op: "openInode", args: () => ({ ...thing, write, ...this.#placeOf(inode) }) };
    const onOpened = (open: OpenFile) => {
      if (entry.file !== undefined) open.opens--; // Only raised: one close will be enough.
      const file = entry.file ?? this.#addFile(entry, open);
      if (!write) return this.#ready(entry, again);
      file.isWriteOpen = true;
      if (open.isShared) file.sharing.seen();
      file.whenDropped(0, pageMax, () => this.#ready(entry, again));
    };
    const name = this.#nodes.pathOf(inode) ?? `inode ${inode}`;
    this.#node.open(name, request, this.#reopen(entry), onOpened, (error) => {
      if (entry.file === undefined) this.#entries.delete(inode);
      this.#ready(entry, () => onFail(error));
    });
  }

  /** How to ask for it in a new session. */
  #reopen(entry: Entry): OpenRequest {
    const { inode, thing } = entry;
    const write = () => entry.file?.isWriteOpen === true;
    return { op: "openInode", args: () => ({ ...thing, write: write(), ...this.#placeOf(inode) }) };
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
      requests: this.#node.requests,
      tellStored: (isWanted) => this.#tellStored(open, isWanted),
      sendDirty: () => this.#node.sendDirty(() => undefined),
      wakeAt: (at) => this.#lookAtFile(entry, at),
      outdated: () => this.#sink.onOutdated(inode),
      setAttributes: (changes, isClaim, onEnd) => this.#sink.promise(inode, changes, isClaim, onEnd),
      onUntold: (tellAt) => {
        this.#node.untold.add(open.file);
        this.#lookAtFile(entry, tellAt);
      },
    });
    file.shownBytes = this.#nodes.toldBytes(entry.thing);
    entry.file = file;
    return file;
  }

  #tellStored(open: OpenFile, isWanted: () => boolean): void {
    const args = () => ({ file: open.file.frames.number });
    this.#node.requests.ask({ op: "stored", args, isWanted, onReply: () => undefined, onFail: () => undefined });
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
    const end = () => {
      if (entry.writers > 0 || entry.isBusy) return;
      file.isWriteOpen = false;
      file.file.frames.endWriting();
    };
    file.whenDropped(0, pageMax, () => file.tellChanges(end));
  }

  #lookAtFile(entry: Entry, at: Micros): void {
    this.#timed.add(entry);
    this.#wakeAt(at);
  }

  /** @returns when to look again. */
  #onTime(now: Micros): Micros {
    if (now < this.#lookAt) return this.#lookAt;
    this.#lookAt = Number.POSITIVE_INFINITY;
    for (const entry of [...this.#timed]) {
      this.#timed.delete(entry);
      const again = entry.file?.onTime(now) ?? Number.POSITIVE_INFINITY;
      if (again < Number.POSITIVE_INFINITY) this.#lookAtFile(entry, again);
    }
    this.#wakeAt(this.#closeIdle(now));
    return this.#lookAt;
  }

  /** @returns when the next one has rested for long enough */
  #closeIdle(now: Micros): Micros {
    let again = Number.POSITIVE_INFINITY;
    for (const entry of this.#idle) {
      const until = entry.idleSince + idleMicros;
      if (now < until && this.#idle.size <= idleMax) return Math.min(again, until);
      if (entry.isBusy || entry.file === undefined) again = now + idleMicros;
      else this.#close(entry, entry.file);
    }
    return again;
  }

  #close(entry: Entry, file: MountFile): void {
    entry.isBusy = true;
    this.#idle.delete(entry);
    const onEnd = () => {
      this.#timed.delete(entry);
      this.#entries.delete(entry.inode);
      this.#sink.onClosed(entry.inode);
      this.#nodes.told(entry.inode, file.shownBytes);
      for (const waiter of entry.waiters.splice(0)) waiter();
    };
    file.tellChanges(() => this.#node.close(file.open, onEnd, onEnd));
  }
}
