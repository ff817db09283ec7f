import { FileTokens } from "../src/core/token/file-tokens.js";
import { Retention } from "../src/core/token/retention.js";
import type { PageIndex, Policy } from "../src/core/units.js";
import { Mode as Modes, pageMax } from "../src/core/units.js";
import type { ToHome, ToNode } from "./message.js";
import { PageModel } from "./page-model.js";
import { SimAttic } from "./sim-attic.js";
import type { SimLink } from "./sim-link.js";
import { SimPages } from "./sim-pages.js";
import { SimPrograms } from "./sim-programs.js";
import { SimRetentionPort } from "./sim-retention-port.js";
import type { Thread } from "./thread.js";
import { requireTrue } from "./violation.js";

/** What a simulated node needs of its world. */
export interface NodeWorld {
  /** By this node's clock. */
  nowOf(node: SimNode): number;
  send(node: SimNode, message: ToHome): void;
  /** A store has completed, a load has seen a value. */
  onStore(node: SimNode, word: number, value: number): void;
  onLoad(node: SimNode, word: number, value: number): void;
  /** Whether the machine answers late that a thread has run. */
  hidesProgress(): boolean;
  /** Whether the cache above the node's does not drop at once what it is told to. */
  keepsAbove(node: SimNode): boolean;
  note(node: SimNode, text: string): void;
  /** A page is being handed to the home, with what the cache has of it. @returns which version of it that is. */
  onHanded(node: SimNode, page: PageIndex): number;
  /** A sync is about to be asked. @returns what is called when it has been acknowledged. */
  onSync(node: SimNode): () => void;
  /** The session is over: these pages are told to have lost stores. */
  onReported(node: SimNode, pages: ReadonlySet<PageIndex>): void;
  /** The node takes its connection for lost. */
  onDown(node: SimNode): void;
}

/** `leaving`: gives back all it holds. `closing`: has asked the home to forget it. */
export type NodeState = "closed" | "opening" | "open" | "leaving" | "closing";

/** The shell of a node, reduced: the shipped token machine, a page cache of numbers, threads that load and store. */
export class SimNode {
  readonly name: string;
  readonly programs: SimPrograms;
  readonly pages: SimPages;
  readonly cache: PageModel;
  readonly attic = new SimAttic();
  /** What the home knows it by; another number in every session, and in every life of the home. */
  id: number;
  link: SimLink;
  state: NodeState = "closed";
  /** The home's number for it. */
  file = 0;
  tokens: FileTokens | undefined;
  retention = new Retention(new SimRetentionPort(this));
  /** Pages that the connection takes before it is full. */
  room = Number.POSITIVE_INFINITY;
  roomWanted = false;
  /** The cache above has been told to drop something, and has not. */
  isKeptAbove = false;
  /** It is doing so just now. */
  isDroppingAbove = false;
  /** The home knows what is held here. Else nothing is sent, and what comes is void. */
  isReady = true;
  /** The lease may be over: no thread sees or changes a page (R15). */
  isSuspended = false;
  /** The session is new, and the file not open in it yet: nothing is cached, and no token counts. */
  isNew = false;
  /** SIGSTOP: nothing happens here. */
  isStopped = false;
  /** Each called once, when there is room again. */
  #roomWaiters: (() => void)[] = [];
  /** A program has asked for the file while it was being closed: the home has not answered, or it waits for the close. */
  opensAgain: "no" | "asked" | "waits" = "no";
  readonly #syncs = new Map<number, { readonly sync: number; readonly done: () => void }>();
  readonly #world: NodeWorld;
  readonly #policy: Policy;
  #syncLast = 0;

  constructor(
    world: NodeWorld,
    name: string,
    id: number,
    link: SimLink,
    options: { policy: Policy; pagesMax: number; threads: number },
  ) {
    this.#world = world;
    this.#policy = options.policy;
    this.name = name;
    this.id = id;
    this.link = link;
    this.cache = new PageModel(options.pagesMax);
    this.programs = new SimPrograms(this, world, options.threads);
    this.pages = new SimPages(this, world);
  }

  get threads(): readonly Thread[] {
    return this.programs.threads;
  }

  open(): void {
    requireTrue(this.state === "closed", "a file is opened when it is closed");
    this.state = "opening";
    this.sendUp({ type: "open" });
  }

  get mayOpenAgain(): boolean {
    const isClosing = this.state === "leaving" || this.state === "closing";
    return isClosing && this.opensAgain === "no" && this.isReady && this.link.state === "up";
  }

  openAgain(): void {
    requireTrue(this.mayOpenAgain, "a file is opened again while it is being closed");
    this.opensAgain = "asked";
    this.sendUp({ type: "open" });
  }

  get mayOpenMore(): boolean {
    return this.state === "open" && this.isReady && this.link.state === "up";
  }

  openMore(): void {
    requireTrue(this.mayOpenMore, "another program opens a file that is open");
    this.sendUp({ type: "openMore" });
  }

  get now(): number {
    return this.#world.nowOf(this);
  }

  get mayClose(): boolean {
    return this.state === "open" && this.isReady && this.programs.areOutside;
  }

  close(): void {
    requireTrue(this.mayClose, "a file is closed when no thread is inside");
    this.state = "leaving";
    this.programs.end();
    this.act((tokens) => tokens.unpinAll(this.now));
    this.act((tokens) => tokens.giveBack(0, pageMax, this.now));
  }

  /** The cache's budget is used up. */
  evictCold(start: PageIndex, end: PageIndex): void {
    if (this.tokens === undefined || this.tokens.isPinned(start, end) || !this.pages.writeBack(start, end)) return;
    this.pages.evict(start, end);
    this.tokens.evicted(start, end);
  }

  /** Everything dirty onto the home's stable storage. */
  sync(onDone: () => void = () => undefined): void {
    if (this.tokens === undefined || !this.isReady) return;
    if (!this.pages.writeBack(0, pageMax)) return this.whenRoom(() => this.sync(onDone));
    const acknowledged = this.#world.onSync(this);
    const done = () => {
      acknowledged();
      onDone();
    };
    const request = ++this.#syncLast;
    this.#syncs.set(request, { sync: this.retention.beginSync(), done });
    this.send({ type: "sync", request });
  }

  // What comes from outside.

  receive(message: ToNode): void {
    this.hasLapsed();
    switch (message.type) {
      case "welcome":
        if (this.link.state !== "greeting") return;
        this.link.welcome(message, this.now);
        return this.#onUp(message.state);
      case "closing":
        return this.down();
      case "pong":
        return this.link.pong(message.request);
      case "synced":
        return this.#synced(message.request);
      case "opened":
        return this.#opened(message.file, message.sizeBytes);
      case "reclaimed":
        return this.#reclaimed(message.sizeBytes, message.epoch);
      case "closed":
        return this.#closed();
      case "truncated":
        return this.programs.truncated(message.request);
      default:
        if (this.state === "closed" || this.state === "opening") return this.#onUnknown(message);
        if (this.isReady && this.state !== "closing") this.act((tokens) => this.pages.obey(tokens, message));
    }
  }

  /** Of a file that it has not got open, or of whose opening it has not heard: what is asked is so. */
  #onUnknown(message: ToNode): void {
    if (message.type === "resize") this.sendUp({ type: "resized", epoch: message.epoch });
    if (message.type !== "revoke") return;
    const { mode, start, end, epoch } = message;
    this.sendUp({ type: "release", file: undefined, mode, start, end, epoch, duty: 0 });
  }

  /** The connection is lost. Who waited for a truncate never learns how it went, nor who waited for a sync. */
  down(): void {
    if (this.link.state === "down") return;
    this.link.down();
    this.isReady = false;
    this.retention.cancelRestore();
    this.#syncs.clear();
    if (this.opensAgain === "asked") this.opensAgain = "waits";
    this.programs.down();
    this.#world.onDown(this);
  }

  /** Says hello, over a new connection. */
  greet(): void {
    this.hasLapsed();
    this.link.greet(this.now);
    this.#world.send(this, { type: "hello", session: this.link.session });
  }

  #onUp(state: "resumed" | "recovering" | "new"): void {
    if (this.state === "closed" || this.state === "opening") this.#recovered();
    if (this.state === "closed") return;
    if (this.state === "opening") return this.sendUp({ type: "open" });
    if (state === "resumed" && !this.isNew) return this.#reclaim();
    if (state === "new") this.#loseSession();
    this.sendUp({ type: "open" });
  }

  /** The file is open: for the first time, or in a new session, or again with a home that has restarted. */
  #opened(file: number, sizeBytes: number): void {
    if (this.opensAgain === "asked") {
      this.opensAgain = "waits"; // The home gives it the same number.
      return;
    }
    this.file = file;
    if (this.state === "opening") {
      this.state = "open";
      this.isReady = true;
      this.cache.clear();
      this.cache.sizeBytes = 0;
      this.cache.setSize(sizeBytes);
      this.tokens = new FileTokens(this.pages, { policy: this.#policy, sizeBytes });
      this.isSuspended = this.hasLapsed();
      return;
    }
    if (!this.isNew) return this.#reclaim();
    this.isNew = false;
    this.programs.loseHolds();
    this.setSize(sizeBytes);
    this.tokens?.reset(sizeBytes);
    this.isReady = true;
    this.#use();
    if (this.state === "closing") this.#closeStable();
    else this.act((tokens) => tokens.onTime(this.now));
    this.#recovered();
  }

  /** Sends what may have been lost (R20), then what is held. */
  #reclaim(): void {
    const { tokens } = this;
    if (tokens === undefined) return;
    this.retention.restore(tokens.epoch, () => {
      tokens.eachHeld((mode, start, end, epoch) => this.sendUp({ type: "claim", mode, start, end, epoch }));
      this.sendUp({ type: "claimed", epoch: tokens.epoch, duty: this.attic.duties.tell() });
    });
  }

  #reclaimed(sizeBytes: number, epoch: number): void {
    this.setSize(sizeBytes);
    this.isReady = true;
    if (this.state === "closing") this.#closeStable();
    else this.act((tokens) => tokens.onReclaimed(sizeBytes, epoch, this.now));
    this.#use();
    this.act((tokens) => tokens.onTime(this.now));
    this.#recovered();
  }

  #recovered(): void {
    this.isReady = true;
    this.sendUp({ type: "recovered" });
  }

  /** What is cached may be out of date, and dirty pages cannot be sent any more. Holds are over. */
  #loseSession(): void {
    const reported = new Set<PageIndex>();
    this.retention.drop(0, pageMax, (start, end) => {
      for (let page = start; page < Math.min(end, this.cache.pagesMax); page++) reported.add(page);
    });
    this.retention.clear();
    this.isNew = true;
    this.#world.onReported(this, reported);
    this.programs.loseHolds();
  }

  #use(): void {
    if (!this.isSuspended || this.hasLapsed()) return;
    this.isSuspended = false;
    for (let page = 0; page < this.cache.pagesMax; page++) this.pages.wake(page);
  }

  /** R15: said to the session once; from then on every page waits. */
  hasLapsed(): boolean {
    return this.link.lease.hasLapsed(this.now, () => {
      this.#world.note(this, "takes its pages away: its lease may be over");
      this.isSuspended = this.tokens !== undefined;
      this.cache.mapped.fill(0);
    });
  }

  #synced(request: number): void {
    const asked = this.#syncs.get(request);
    if (asked === undefined) return;
    this.#syncs.delete(request);
    this.retention.synced(asked.sync);
    asked.done();
  }

  setSize(sizeBytes: number): void {
    if (sizeBytes === this.cache.sizeBytes) return;
    this.cache.setSize(sizeBytes);
    this.retention.onResize(sizeBytes);
  }

  /** What it answers for (R20), which syncs it waits for, and how far it is after a lost connection. */
  describeDuties(): string {
    const kept = this.retention.describe((slot) => this.attic.read(slot).join(" "));
    const syncs = [...this.#syncs].map(([request, { sync }]) => `#${request}:${sync}`);
    const waits = `${this.#syncLast} ${syncs.join(" ")} ${this.#roomWaiters.length}`;
    return `${kept} ${waits} ${this.isNew} ${this.isSuspended} ${this.isKeptAbove}`;
  }

  time(): void {
    const { now } = this;
    const isOver = this.hasLapsed() && this.link.state === "up";
    if (isOver || this.link.isUnanswered(now)) this.down();
    const ping = this.link.ping(now, this.attic.duties.tell());
    if (ping !== undefined) this.sendUp({ type: "ping", request: ping, isAsked: this.tokens?.isAsked === true });
    this.act((tokens) => tokens.onTime(now));
  }

  /** When `time` wants to be called; Infinity for never. */
  get deadline(): number {
    return Math.min(this.tokens?.deadline ?? Number.POSITIVE_INFINITY, this.link.deadline);
  }

  roomAgain(pages: number): void {
    this.room = pages;
    this.roomWanted = false;
    for (const goOn of this.#roomWaiters.splice(0)) goOn();
    this.act((tokens) => tokens.onTime(this.now));
  }

  /** The cache above has dropped what it was told to. */
  droppedAbove(): void {
    this.isKeptAbove = false;
    this.isDroppingAbove = true;
    this.act((tokens) => tokens.onTime(this.now));
    this.isDroppingAbove = false;
  }

  /** Its process is gone with all it had; another comes in its place, with a connection of its own. */
  crash(link: SimLink): void {
    this.link = link;
    this.opensAgain = "no";
    this.#gone();
    this.isStopped = false;
    this.programs.end();
  }

  /** Calls `goOn` when the connection has room again. */
  whenRoom(goOn: () => void): void {
    this.roomWanted = true;
    this.#roomWaiters.push(goOn);
  }

  act(action: (tokens: FileTokens) => void): void {
    const { tokens } = this;
    if (tokens === undefined) return;
    action(tokens);
    if (this.state !== "leaving" || tokens.heldCount > 0) return;
    this.state = "closing";
    this.#closeStable();
  }

  /** R20: the copies that are kept here go with the file, so the home has to have it all on stable storage before. */
  #closeStable(): void {
    if (!this.isReady) return; // Begins anew when it is.
    if (this.retention.isEmpty) this.send({ type: "close" });
    else this.sync(() => this.#closeStable());
  }

  /** To a home that knows what is held here. */
  send(message: ToHome): void {
    if (this.isReady) this.sendUp(message);
  }

  sendUp(message: ToHome): void {
    if (this.link.state === "up") this.#world.send(this, message);
  }

  #closed(): void {
    this.#gone();
    const { opensAgain } = this;
    this.opensAgain = "no";
    if (opensAgain === "asked") this.state = "opening";
    if (opensAgain === "waits") this.open();
  }

  #gone(): void {
    this.isReady = this.link.state === "up";
    this.isSuspended = false;
    this.isNew = false;
    this.#syncs.clear();
    this.#roomWaiters = [];
    this.isKeptAbove = false;
    this.state = "closed";
    this.tokens = undefined;
    this.retention.clear();
    this.retention = new Retention(new SimRetentionPort(this));
    requireTrue(this.attic.keptPages === 0, "a closed file keeps no copies");
    this.cache.clear();
  }
}

/** Modes by name, for programs. */
export const { read, write } = Modes;
