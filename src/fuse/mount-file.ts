import { type Micros, Mode, type PageIndex, pageAt, pageMax } from "../core/units.js";
import { nowMicros } from "../kernel/clock.js";
import type { NodeFile } from "../node/node-file.js";
import type { OpenFile } from "../node/open-files.js";
import type { UpperCache } from "../node/upper-cache.js";
import { type DropPages, KernelPages } from "./kernel-pages.js";

/** For how long another node's resize waits here for the kernel to drop what it changes. See `resize`. */
const resizeMicrosMax = 20_000;

/**
 * One file of a mount: what the kernel has of it, above what this node has. What the kernel caches, the node caches too; what
 * the node caches, it holds a token for. So a token is given up from the top: first the kernel drops its pages.
 */
export class MountFile implements UpperCache {
  readonly inode: number;
  readonly open: OpenFile;
  readonly kernel: KernelPages;
  /**
   * Whether programs of this mount have it open for writing. From then on whatever the kernel caches needs a write token,
   * since a store to a shared map of it asks nobody (R14).
   */
  isWriteOpen = false;
  /** When it was last written here, in milliseconds since 1970; 0 once the home has been told. */
  modifiedMillis = 0;
  /** SETATTRs of the size that the kernel waits for: it lets no page of the file be written meanwhile, nor dropped. */
  #resizing = 0;
  readonly #droppedWaiters: (() => void)[] = [];
  #resizeWaiter: { done: () => void; start: PageIndex; until: Micros } | undefined;

  constructor(inode: number, open: OpenFile, drop: DropPages) {
    this.inode = inode;
    this.open = open;
    this.kernel = new KernelPages(drop);
    open.file.upperCache = this;
  }

  get file(): NodeFile {
    return this.open.file;
  }

  /** A program has set the time itself. */
  setModified(): void {
    this.modifiedMillis = 0;
  }

  wrote(): void {
    this.modifiedMillis = Date.now();
  }

  /** The token without which the kernel may not be given a page to cache. */
  get cacheMode(): Mode {
    return this.isWriteOpen ? Mode.write : Mode.read;
  }

  recall(mode: Mode, start: PageIndex, end: PageIndex): boolean {
    if (mode === Mode.read && !this.isWriteOpen) return true;
    return this.#drop(start, end);
  }

  /**
   * Another node has changed the size: what the kernel has of the changed part goes, before that node hears that we know.
   * But not for long: a kernel that waits for a SETATTR of its own, which waits for that node, drops nothing until then.
   */
  resize(start: PageIndex, done: () => void): void {
    this.#resizeWaiter?.done();
    this.#resizeWaiter = undefined;
    if (this.#drop(start, pageMax) || this.#resizing > 0) done();
    else this.#resizeWaiter = { done, start, until: nowMicros() + resizeMicrosMax };
  }

  /** Around a SETATTR of the size. `changed`: the kernel drops every page by itself when it has the answer. */
  beginResize(): void {
    this.#resizing++;
  }

  endResize(changed: boolean): void {
    this.#resizing--;
    if (changed) this.kernel.forget(0, pageMax);
    else this.#drop(pageAt(this.file.cache.sizeBytes), pageMax);
    this.file.onTime(nowMicros());
  }

  /** Calls `action` when the kernel has none of the range: now, or after it was told to drop it. */
  whenDropped(start: PageIndex, end: PageIndex, action: () => void): void {
    if (this.#drop(start, end)) action();
    else this.#droppedWaiters.push(() => this.whenDropped(start, end, action));
  }

  /** The kernel has done what a recall asked. */
  onDropped(recall: number): void {
    this.kernel.onDropped(recall);
    this.file.onTime(nowMicros());
    if (this.#resizeWaiter !== undefined && !this.kernel.has(this.#resizeWaiter.start, pageMax)) this.#endWait();
    for (const waiter of this.#droppedWaiters.splice(0)) waiter();
  }

  /** One line, for people who look at a mount that is stuck. */
  describe(): string {
    return `${this.file.name} ${this.isWriteOpen ? "for writing" : "for reading"}, ${this.file.tokens.describe()}; kernel ${this.kernel.describe()}`;
  }

  /** @returns when to look again. */
  onTime(now: Micros): Micros {
    const until = this.#resizeWaiter?.until ?? Number.POSITIVE_INFINITY;
    if (now < until) return until;
    this.#endWait();
    return Number.POSITIVE_INFINITY;
  }

  #endWait(): void {
    const waiter = this.#resizeWaiter;
    this.#resizeWaiter = undefined;
    waiter?.done();
  }

  #drop(start: PageIndex, end: PageIndex): boolean {
    if (this.#resizing > 0) return !this.kernel.has(start, end);
    return this.kernel.recall(start, end);
  }
}
