import type { FileTokens } from "../src/core/token/file-tokens.js";
import type { TokenPort } from "../src/core/token/token-port.js";
import type { Mode, PageIndex } from "../src/core/units.js";
import type { ToNode } from "./message.js";
import { wordsPerPage } from "./sim-file.js";
import type { NodeWorld, SimNode } from "./sim-node.js";
import { requireTrue } from "./violation.js";

/** Of a file that is open. */
export type FileMessage = Exclude<
  ToNode,
  { type: "welcome" | "closing" | "pong" | "synced" | "opened" | "closed" | "truncated" | "reclaimed" }
>;

/** Joins the shipped token machine with a simulated node's page cache, threads and connection. */
export class SimPages implements TokenPort {
  readonly #node: SimNode;
  readonly #world: NodeWorld;

  constructor(node: SimNode, world: NodeWorld) {
    this.#node = node;
    this.#world = world;
  }

  /** What the home says of the file. */
  obey(tokens: FileTokens, message: FileMessage): void {
    const { now } = this.#node;
    switch (message.type) {
      case "grant": {
        const { request, mode, start, end, epoch, dataStart, windowEnd } = message;
        tokens.onGrant(request, mode, start, end, epoch, dataStart, windowEnd);
        this.#install(tokens, message);
        return tokens.onData(request, message.dataEnd, message.more, now);
      }
      case "data":
        this.#install(tokens, message);
        return tokens.onData(message.request, message.dataEnd, message.more, now);
      case "failure":
        return tokens.onFailed(message.request, now);
      case "revoke":
        return tokens.onRevoke(message.mode, message.start, message.end, message.epoch, message.wantEnd, now);
      case "resize":
        this.#node.setSize(message.sizeBytes);
        tokens.onResize(message.sizeBytes, message.epoch, now);
        return this.#node.send({ type: "resized", epoch: message.epoch });
    }
  }

  #install(tokens: FileTokens, message: ToNode & { type: "grant" | "data" }): void {
    const { request, dataStart, dataEnd, words, unstable } = message;
    for (let start = dataStart; start < dataEnd; ) {
      const good = tokens.mayInstall(request, start);
      let end = start + 1;
      while (end < dataEnd && tokens.mayInstall(request, end) === good) end++;
      if (good) this.#node.retention.received(start, end, unstable);
      if (good) this.#installRun(tokens, start, end, words, dataStart);
      else this.#world.note(this.#node, `drops page ${start}`);
      start = end;
    }
  }

  #installRun(tokens: FileTokens, start: PageIndex, end: PageIndex, words: readonly number[], first: PageIndex): void {
    const mapEnd = tokens.mapEnd(start, end);
    const writePage = tokens.writableWant(start, end);
    for (let page = start; page < end; page++) this.#node.cache.install(page, words, (page - first) * wordsPerPage);
    if (writePage >= 0) this.#node.cache.allowWrite(writePage);
    for (let page = start; page < end; page++) this.wake(page);
    for (let page = mapEnd; page < end; page++) this.#node.cache.mapped[page] = 0;
  }

  acquire(
    request: number,
    mode: Mode,
    needStart: PageIndex,
    needEnd: PageIndex,
    wantStart: PageIndex,
    wantEnd: PageIndex,
    windowEnd: PageIndex,
    needsData: boolean,
    isUrgent: boolean,
  ): void {
    const message = { request, mode, needStart, needEnd, wantStart, wantEnd, windowEnd, needsData, isUrgent };
    this.#node.send({ type: "acquire", ...message });
  }

  fetch(request: number, start: PageIndex, end: PageIndex, epoch: number): void {
    this.#node.send({ type: "fetch", request, start, end, epoch });
  }

  release(mode: Mode, start: PageIndex, end: PageIndex, epoch: number): void {
    const duty = this.#node.attic.duties.tell();
    this.#node.send({ type: "release", file: this.#node.file, mode, start, end, epoch, duty });
  }

  isCached(page: PageIndex): boolean {
    return page < this.#node.cache.pagesMax && this.#node.cache.cached[page] === 1;
  }

  nextCached(page: PageIndex, end: PageIndex): PageIndex {
    return this.#node.cache.nextCached(page, end);
  }

  nextUncached(page: PageIndex, end: PageIndex): PageIndex {
    return this.#node.cache.nextUncached(page, end);
  }

  resolve(page: PageIndex, write: boolean): void {
    requireTrue(this.isCached(page), "threads are let on at pages that are cached");
    if (write) this.#node.cache.allowWrite(page);
    this.wake(page);
  }

  hasRun(page: PageIndex): boolean {
    return !this.#world.hidesProgress() && !this.#node.programs.isLetOn(page);
  }

  /** A cache above, as the kernel's is on a mount, drops at once what it has to, or some time later. */
  recall(): boolean {
    if (!this.#world.keepsAbove(this.#node)) return true;
    this.#node.isKeptAbove = true;
    return false;
  }

  writeBack(start: PageIndex, end: PageIndex): boolean {
    const { cache } = this.#node;
    if (!this.#node.isReady) return false;
    const last = Math.min(end, cache.pageEnd);
    for (let page = start; page < last; page++) {
      if (cache.dirty[page] === 0) continue;
      if (this.#node.room <= 0) {
        this.#node.roomWanted = true;
        cache.protect(page, last); // As a page cache may: what comes next must not count on it, nor against it.
        return false;
      }
      this.#node.room--;
      cache.writable[page] = 0;
      cache.dirty[page] = 0;
      const duty = this.#node.retention.wrote(page, page + 1);
      const copyOf = this.#world.onHanded(this.#node, page);
      this.#node.send({ type: "write", page, words: this.wordsOf(page), duty, copyOf });
    }
    return true;
  }

  evict(start: PageIndex, end: PageIndex): void {
    this.#node.retention.leaving(start, Math.min(end, this.#node.cache.pagesMax), this.#node.tokens?.epoch ?? 0);
    this.#node.cache.evict(start, end);
  }

  retry(page: PageIndex): void {
    this.wake(page);
  }

  /** Its thread waits on, as one in a fault does. */
  pinFailed(): void {}

  pinned(pin: number): void {
    this.#node.programs.pinned(pin);
  }

  wordsOf(page: PageIndex): number[] {
    return [...this.#node.cache.words.subarray(page * wordsPerPage, (page + 1) * wordsPerPage)];
  }

  /** Threads that sleep at this page may run, if they find it here. */
  wake(page: PageIndex): void {
    if (this.isCached(page)) this.#node.cache.mapped[page] = 1;
    this.#node.programs.wake(page);
  }
}
