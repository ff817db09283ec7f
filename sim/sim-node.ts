import { FileTokens } from "../src/core/token/file-tokens.js";
import type { TokenPort } from "../src/core/token/token-port.js";
import type { Mode, PageIndex, Policy } from "../src/core/units.js";
import { Mode as Modes, pageMax } from "../src/core/units.js";
import type { ToHome, ToNode } from "./message.js";
import { PageModel } from "./page-model.js";
import { wordBytes, wordsPerPage } from "./sim-home.js";
import { type Operation, Thread } from "./thread.js";
import { requireTrue } from "./violation.js";

/** What a simulated node needs of its world. */
export interface NodeWorld {
  readonly now: number;
  send(node: SimNode, message: ToHome): void;
  /** A store has completed, a load has seen a value. */
  onStore(node: SimNode, word: number, value: number): void;
  onLoad(node: SimNode, word: number, value: number): void;
  /** Whether the machine answers late that a thread has run. */
  hidesProgress(): boolean;
  note(node: SimNode, text: string): void;
}

export type NodeState = "closed" | "opening" | "open" | "leaving";

/** The shell of a node, reduced: the shipped token machine, a page cache of numbers, threads that load and store. */
export class SimNode implements TokenPort {
  readonly name: string;
  readonly threads: Thread[];
  readonly cache: PageModel;
  /** What the home knows it by; another number after every crash. */
  id: number;
  state: NodeState = "closed";
  tokens: FileTokens | undefined;
  /** Pages that the connection takes before it is full. */
  room = Number.POSITIVE_INFINITY;
  roomWanted = false;
  /** The home knows what is held here. Else nothing is sent, and what comes is void. */
  isReady = true;
  /** Write-backs that were lost under way. */
  #lost: { page: PageIndex; words: readonly number[] }[] = [];
  readonly #world: NodeWorld;
  readonly #policy: Policy;
  #pinLast = 0;
  #truncateLast = 0;

  constructor(
    world: NodeWorld,
    name: string,
    id: number,
    options: { policy: Policy; pagesMax: number; threads: number },
  ) {
    this.#world = world;
    this.#policy = options.policy;
    this.name = name;
    this.id = id;
    this.cache = new PageModel(options.pagesMax);
    this.threads = Array.from({ length: options.threads }, (_, index) => new Thread(index));
  }

  // What the program does.

  open(): void {
    requireTrue(this.state === "closed", "a file is opened when it is closed");
    this.state = "opening";
    this.#world.send(this, { type: "open" });
  }

  get mayClose(): boolean {
    return (
      this.state === "open" &&
      this.isReady &&
      this.threads.every(({ state }) => state === "idle" || state === "prefetching")
    );
  }

  close(): void {
    requireTrue(this.mayClose, "a file is closed when no thread is inside");
    this.state = "leaving";
    for (const thread of this.threads) thread.end();
    this.#act((tokens) => tokens.unpinAll(this.#world.now));
    this.#act((tokens) => tokens.giveBack(0, pageMax, this.#world.now));
  }

  start(thread: Thread, operation: Operation): void {
    thread.begin(operation);
    switch (operation.kind) {
      case "load":
      case "store":
        return this.run(thread);
      case "hold":
      case "prefetch":
        return this.#pin(thread, operation);
      case "truncate":
        if (!this.isReady) return thread.end();
        thread.state = "truncating";
        thread.pin = ++this.#truncateLast;
        return this.#world.send(this, { type: "truncate", request: thread.pin, sizeBytes: operation.sizeBytes });
      case "giveBack":
        thread.end();
        return this.#act((tokens) => tokens.giveBack(operation.start, operation.end, this.#world.now));
      case "evict":
        thread.end();
        return this.evictCold(operation.start, operation.end);
      case "flush":
        thread.end();
        this.writeBack(0, pageMax);
    }
  }

  /** A thread that may run tries its load or store: for the first time, or again after a fault. */
  run(thread: Thread): void {
    const access = thread.access;
    const page = Math.floor(access.word / wordsPerPage);
    if ((access.word + 1) * wordBytes > this.cache.sizeBytes) return thread.passed(); // Beyond the end: junk.
    const { cache } = this;
    const touched = cache.cached[page] === 1 && cache.mapped[page] === 0;
    if (cache.cached[page] === 1) cache.mapped[page] = 1;
    if (access.kind === "store" ? cache.writable[page] === 1 : cache.cached[page] === 1) {
      thread.passed();
      if (access.kind === "load") this.#world.onLoad(this, access.word, cache.words[access.word]);
      else {
        cache.words[access.word] = access.value;
        this.#world.onStore(this, access.word, access.value);
      }
    } else {
      thread.sleep(page);
      if (this.#isAsked(thread)) return;
      if (this.cache.cached[page] === 0)
        this.#act((tokens) => tokens.noPage(page, access.kind === "store", this.#world.now));
      else this.#act((tokens) => tokens.wpPage(page, this.#world.now));
    }
    if (touched) this.#act((tokens) => tokens.touched(page, this.#world.now));
  }

  unhold(thread: Thread): void {
    const { pin } = thread;
    thread.end();
    this.#act((tokens) => tokens.unpin(pin, this.#world.now));
  }

  /** The cache's budget is used up. */
  evictCold(start: PageIndex, end: PageIndex): void {
    if (this.tokens === undefined || this.tokens.isPinned(start, end) || !this.writeBack(start, end)) return;
    this.cache.evict(start, end);
    this.tokens.evicted(start, end);
  }

  // What comes from outside.

  receive(message: ToNode): void {
    if (message.type === "opened") {
      this.state = "open";
      this.cache.clear();
      this.cache.sizeBytes = 0;
      this.cache.setSize(message.sizeBytes);
      this.tokens = new FileTokens(this, { policy: this.#policy, sizeBytes: message.sizeBytes });
      return;
    }
    if (message.type === "reclaimed") return this.#reclaimed(message.sizeBytes, message.epoch);
    if (!this.isReady) return;
    if (message.type === "truncated") {
      const thread = this.threads.find(({ state, pin }) => state === "truncating" && pin === message.request);
      thread?.end();
      return;
    }
    if (this.state === "open" || this.state === "leaving") this.#act((tokens) => this.#obey(tokens, message));
  }

  /** The connection is lost: these messages have not arrived. Who waited for a truncate never learns how it went. */
  disconnect(unsent: readonly ToHome[]): void {
    this.isReady = false;
    for (const message of unsent) {
      if (message.type === "write") this.#lost.push({ page: message.page, words: message.words });
    }
    for (const thread of this.threads) if (thread.state === "truncating") thread.end();
  }

  describeLost(): string {
    return this.#lost.map(({ page, words }) => `${page} = ${words.join(" ")}`).join(",");
  }

  /** The connection is there again, within the lease: what was lost is sent again (R20), what is held is claimed. */
  reclaim(): void {
    const { tokens } = this;
    if (tokens === undefined) return;
    for (const { page, words } of this.#lost) this.#world.send(this, { type: "restore", page, words });
    tokens.eachHeld((mode, start, end, epoch) => this.#world.send(this, { type: "claim", mode, start, end, epoch }));
    this.#world.send(this, { type: "claimed", epoch: tokens.epoch });
  }

  #reclaimed(sizeBytes: number, epoch: number): void {
    this.isReady = true;
    this.#lost = [];
    if (sizeBytes !== this.cache.sizeBytes) this.cache.setSize(sizeBytes);
    this.#act((tokens) => tokens.onReclaimed(sizeBytes, epoch, this.#world.now));
    this.#act((tokens) => tokens.onTime(this.#world.now));
  }

  time(): void {
    this.#act((tokens) => tokens.onTime(this.#world.now));
  }

  roomAgain(pages: number): void {
    this.room = pages;
    this.roomWanted = false;
    this.#act((tokens) => tokens.onTime(this.#world.now));
  }

  crash(id: number): void {
    this.id = id;
    this.#gone();
    for (const thread of this.threads) thread.end();
  }

  // What the token machine tells us to do.

  acquire(
    request: number,
    mode: Mode,
    needStart: PageIndex,
    needEnd: PageIndex,
    wantStart: PageIndex,
    wantEnd: PageIndex,
    windowEnd: PageIndex,
    needsData: boolean,
  ): void {
    const message = { request, mode, needStart, needEnd, wantStart, wantEnd, windowEnd, needsData };
    this.#send({ type: "acquire", ...message });
  }

  fetch(request: number, start: PageIndex, end: PageIndex, epoch: number): void {
    this.#send({ type: "fetch", request, start, end, epoch });
  }

  release(mode: Mode, start: PageIndex, end: PageIndex, epoch: number): void {
    this.#send({ type: "release", mode, start, end, epoch });
  }

  isCached(page: PageIndex): boolean {
    return page < this.cache.pagesMax && this.cache.cached[page] === 1;
  }

  nextCached(page: PageIndex, end: PageIndex): PageIndex {
    return this.cache.nextCached(page, end);
  }

  nextUncached(page: PageIndex, end: PageIndex): PageIndex {
    return this.cache.nextUncached(page, end);
  }

  resolve(page: PageIndex, write: boolean): void {
    requireTrue(this.isCached(page), "threads are let on at pages that are cached");
    if (write) this.cache.allowWrite(page);
    this.#wake(page);
  }

  hasRun(page: PageIndex): boolean {
    if (this.#world.hidesProgress()) return false;
    return !this.threads.some((thread) => thread.state === "woken" && thread.page === page);
  }

  /** Nothing caches above a simulated node. */
  recall(): boolean {
    return true;
  }

  writeBack(start: PageIndex, end: PageIndex): boolean {
    const { cache } = this;
    if (!this.isReady) return false;
    const last = Math.min(end, cache.pageEnd);
    for (let page = start; page < last; page++) {
      if (cache.dirty[page] === 0) continue;
      if (this.room <= 0) {
        this.roomWanted = true;
        cache.protect(page, last); // As a page cache may: what comes next must not count on it, nor against it.
        return false;
      }
      this.room--;
      cache.writable[page] = 0;
      cache.dirty[page] = 0;
      const words = [...cache.words.subarray(page * wordsPerPage, (page + 1) * wordsPerPage)];
      this.#world.send(this, { type: "write", page, words });
    }
    return true;
  }

  evict(start: PageIndex, end: PageIndex): void {
    this.cache.evict(start, end);
  }

  retry(page: PageIndex): void {
    this.#wake(page);
  }

  pinned(pin: number): void {
    const thread = this.threads.find((candidate) => candidate.pin === pin && candidate.waitsForPin);
    if (thread === undefined) return;
    if (thread.state === "prefetching") thread.end();
    else {
      thread.state = "holding";
      this.#world.note(this, "has its hold");
    }
  }

  #pin(thread: Thread, operation: Operation & { kind: "hold" | "prefetch" }): void {
    const { kind, mode, start, end } = operation;
    thread.pin = ++this.#pinLast;
    thread.state = kind === "hold" ? "pinning" : "prefetching";
    this.#act((tokens) => tokens[kind === "hold" ? "pin" : "prefetch"](thread.pin, mode, start, end, this.#world.now));
  }

  #obey(tokens: FileTokens, message: Exclude<ToNode, { type: "opened" | "truncated" | "reclaimed" }>): void {
    const { now } = this.#world;
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
        return tokens.onFetchFailed(message.request, now);
      case "revoke":
        return tokens.onRevoke(message.mode, message.start, message.end, message.epoch, message.wantEnd, now);
      case "resize":
        this.cache.setSize(message.sizeBytes);
        tokens.onResize(message.sizeBytes, message.epoch, now);
        return this.#send({ type: "resized", epoch: message.epoch });
    }
  }

  #install(tokens: FileTokens, message: ToNode & { type: "grant" | "data" }): void {
    const { request, dataStart, dataEnd, words } = message;
    for (let start = dataStart; start < dataEnd; ) {
      const good = tokens.mayInstall(request, start);
      let end = start + 1;
      while (end < dataEnd && tokens.mayInstall(request, end) === good) end++;
      if (good) this.#installRun(tokens, start, end, words, dataStart);
      else this.#world.note(this, `drops page ${start}`);
      start = end;
    }
  }

  #installRun(tokens: FileTokens, start: PageIndex, end: PageIndex, words: readonly number[], first: PageIndex): void {
    const mapEnd = tokens.mapEnd(start, end);
    const writePage = tokens.writableWant(start, end);
    for (let page = start; page < end; page++) this.cache.install(page, words, (page - first) * wordsPerPage);
    if (writePage >= 0) this.cache.allowWrite(writePage);
    for (let page = start; page < end; page++) this.#wake(page);
    for (let page = mapEnd; page < end; page++) this.cache.mapped[page] = 0;
  }

  /** A page cache asks once a page, and again when the first thread comes that would store. */
  #isAsked({ page, index, access }: Thread): boolean {
    return this.threads.some(
      (other) =>
        other.index !== index &&
        other.state === "asleep" &&
        other.page === page &&
        (other.access.kind === "store" || access.kind === "load"),
    );
  }

  #wake(page: PageIndex): void {
    if (this.isCached(page)) this.cache.mapped[page] = 1;
    for (const thread of this.threads) thread.wake(page);
  }

  #act(action: (tokens: FileTokens) => void): void {
    const { tokens } = this;
    if (tokens === undefined) return;
    action(tokens);
    if (this.state !== "leaving" || tokens.heldCount > 0) return;
    this.#gone();
    this.#world.send(this, { type: "close" });
  }

  #send(message: ToHome): void {
    if (this.isReady) this.#world.send(this, message);
  }

  #gone(): void {
    this.isReady = true;
    this.#lost = [];
    this.state = "closed";
    this.tokens = undefined;
    this.cache.clear();
  }
}

/** Modes by name, for programs. */
export const { read, write } = Modes;
