import { Mode, type NodeId, type PageIndex, type Policy, pageMax } from "../src/core/units.js";
import { checkWorld } from "./checks.js";
import { Clock } from "./clock.js";
import { describe, modeName, pagesOf, type ToHome, type ToNode } from "./message.js";
import { Reference } from "./reference.js";
import { SimDisk } from "./sim-disk.js";
import { wordBytes, wordsPerPage } from "./sim-file.js";
import { type HomeWorld, SimHome, type SimSession } from "./sim-home.js";
import { SimLink } from "./sim-link.js";
import { type NodeState, type NodeWorld, SimNode } from "./sim-node.js";
import type { Operation, Thread } from "./thread.js";
import { requireTrue } from "./violation.js";

export interface WorldOptions {
  readonly nodes: number;
  readonly threads: number;
  readonly policy: Policy;
  readonly sizeBytes: number;
  readonly pagesMax: number;
  /** Pages of one message; the rest of an answer follows in others. */
  readonly chunkPages: number;
  /** Infinity, or nothing: no lease ever runs out. */
  readonly leaseMicros?: number;
  readonly trace?: ((line: string) => void) | undefined;
}

/** Something that can happen next. */
export type WorldEvent =
  | { kind: "toHome" | "toNode" | "stream" | "room" | "time" | "hello" | "disk"; node: number }
  | { kind: "run"; node: number; thread: number };

/**
 * n nodes and a home, the shipped machines on both sides, joined by one ordered queue each way. Nothing happens by itself:
 * whoever drives the world chooses what is delivered, which thread runs, and when time passes.
 *
 * `reference` is the memory that the programs are promised: a store changes it when it completes, and every load must see it.
 */
export class World implements HomeWorld, NodeWorld {
  now = 0;
  /** Undefined while the home's process is dead. */
  process: SimHome | undefined;
  readonly disk: SimDisk;
  readonly nodes: SimNode[];
  readonly toHome: ToHome[][];
  readonly toNode: ToNode[][];
  readonly reference: Reference;
  readonly options: WorldOptions;
  readonly homeClock = new Clock();
  readonly clocks: Clock[];
  /** Whether messages of a node arrive, each way. */
  readonly isCut: { toHome: boolean; toNode: boolean }[];
  /** Nodes that are excused, since they were stopped or a clock jumped: what they do in a session that is over is not held against them. */
  readonly excused = new Set<SimNode>();
  /** Power has failed: what nobody answers for may be torn. */
  mayBeTorn = false;
  /** A node that has lost its connection, or that has died, connects by itself. */
  reconnects = false;
  refusesSize: () => boolean = () => false;
  failsRead: () => boolean = () => false;
  hidesProgress: () => boolean = () => false;
  readonly #leaseMicros: number;
  readonly #trace: ((line: string) => void) | undefined;
  #offerLast = 2 ** 31;
  readonly #names: string[];
  /** Of each node by page the newest version that it has handed over, and that its program may have seen, in its session. */
  readonly #handed: number[][];
  readonly #seen: number[][];
  /** Of each page the version that the home has taken last, synced or not; 0 when that is not known. */
  readonly #onDisk: number[];
  /** Of each node the pages that it has handed over, and that have not arrived yet, be it that a connection was lost. */
  readonly #underway: Set<number>[];
  /** Of each node the pages with stores that are gone, and that it has to report. */
  readonly #lost: Set<number>[];
  /** Sessions that are over, whether their nodes know or not. */
  readonly #ended = new Set<string>();
  #nodeLast = 0;
  #sessionLast = 0;
  #bootLast = 0;

  constructor(options: WorldOptions) {
    this.options = options;
    this.#trace = options.trace;
    this.#leaseMicros = options.leaseMicros ?? Number.POSITIVE_INFINITY;
    this.#names = Array.from({ length: options.nodes }, (_, index) => String.fromCharCode(97 + index));
    this.clocks = this.#names.map(() => new Clock());
    this.isCut = this.#names.map(() => ({ toHome: false, toNode: false }));
    this.disk = new SimDisk(options);
    const home = this.#newHome();
    this.process = home;
    this.nodes = this.#names.map((name, index) => {
      const { id, node } = home.begin(this.#nextSession(name));
      const link = new SimLink(id, home.boot, this.#leaseMicros, this.clocks[index].read(this.now));
      return new SimNode(this, name, node, link, options);
    });
    this.toHome = this.nodes.map(() => []);
    this.toNode = this.nodes.map(() => []);
    this.reference = new Reference(options.pagesMax);
    this.#handed = this.nodes.map(() => Array(options.pagesMax).fill(0));
    this.#seen = this.nodes.map(() => Array(options.pagesMax).fill(0));
    this.#onDisk = Array(options.pagesMax).fill(0);
    this.#underway = this.nodes.map(() => new Set());
    this.#lost = this.nodes.map(() => new Set());
  }

  /** The home that is there now, or was there last. */
  get home(): SimHome {
    if (this.process === undefined) throw new Error("the home is not there");
    return this.process;
  }

  get sizeBytes(): number {
    return this.disk.sizeBytes;
  }

  get homeNow(): number {
    return this.homeClock.read(this.now);
  }

  nowOf(node: SimNode): number {
    return this.clocks[this.nodes.indexOf(node)].read(this.now);
  }

  nextNode(): NodeId {
    return ++this.#nodeLast;
  }

  /** Whether this node is in a session that its home has ended, and does not know yet. */
  isOutcast(node: SimNode): boolean {
    return this.#ended.has(node.link.session ?? "");
  }

  /** Whether the home knows all that this node holds. */
  isKnown(node: SimNode): boolean {
    const session = this.process?.sessions.get(node.link.session ?? "");
    return node.isReady && session !== undefined && !session.isRecovering && !this.home.recovery.isOpen;
  }

  /** All that can happen without anybody beginning anything new. */
  *events(): Generator<WorldEvent> {
    const { process } = this;
    if (process !== undefined && process.syncCount > 0) yield { kind: "disk", node: 0 };
    for (let node = 0; node < this.nodes.length; node++) {
      const { id, roomWanted, threads, isStopped, link } = this.nodes[node];
      const { toHome, toNode } = this.isCut[node];
      if (process !== undefined && !toHome && this.toHome[node].length > 0) yield { kind: "toHome", node };
      if (!isStopped && !toNode && this.toNode[node].length > 0) yield { kind: "toNode", node };
      if (process !== undefined && process.file.streamCount(id) > 0) yield { kind: "stream", node };
      if (isStopped) continue;
      if (process !== undefined && this.reconnects && link.state === "down") yield { kind: "hello", node };
      if (roomWanted) yield { kind: "room", node };
      for (const { state, index } of threads) {
        if (state === "woken") yield { kind: "run", node, thread: index };
      }
    }
  }

  happen(event: WorldEvent): void {
    const node = this.nodes[event.node];
    switch (event.kind) {
      case "toHome": {
        const message = this.toHome[event.node].shift();
        if (message === undefined) return;
        if (this.#trace !== undefined) this.#trace(`  home hears from ${node.name}: ${describe(message)}`);
        if (message.type === "hello") return this.#greet(event.node, message.session);
        if (message.type === "write" || message.type === "restore") this.#underway[event.node].delete(message.page);
        const session = this.process?.sessions.get(node.link.session ?? "");
        if (session === undefined) return;
        if (message.type === "write") this.#onDisk[message.page] = message.copyOf;
        this.home.receive(session, message);
        return;
      }
      case "toNode": {
        const message = this.toNode[event.node].shift();
        if (message === undefined) return;
        if (this.#trace !== undefined) this.#trace(`  ${node.name} hears: ${describe(message)}`);
        return node.receive(message);
      }
      case "stream":
        return this.home.file.stream(node.id);
      case "hello":
        this.#trace?.(`  ${node.name} connects`);
        return node.greet();
      case "disk":
        this.#trace?.("  the oldest sync has gone down");
        return this.home.endSync();
      case "room":
        this.#trace?.(`  ${node.name} has room again`);
        return node.roomAgain(Number.POSITIVE_INFINITY);
      case "time":
        this.#trace?.(`  ${node.name} looks again at ${this.now} µs`);
        return node.time();
      case "run":
        return node.run(node.threads[event.thread]);
    }
  }

  /** The next moment at which anybody wants to look again; Infinity for none. */
  get deadline(): number {
    const { process, now } = this;
    let first = process === undefined ? Number.POSITIVE_INFINITY : this.homeClock.timeOf(process.deadline, now);
    for (const [index, node] of this.nodes.entries()) {
      if (!node.isStopped) first = Math.min(first, this.clocks[index].timeOf(node.deadline, now));
    }
    return first;
  }

  /** Lets time pass; whoever wanted to look by then does so, in that order. */
  pass(micros: number): void {
    const until = this.now + micros;
    for (let { deadline } = this; deadline <= until; deadline = this.deadline) {
      this.now = Math.max(this.now, deadline);
      if (this.process !== undefined && this.process.deadline <= this.homeNow) this.process.tick();
      for (const [node, { deadline: wanted, isStopped }] of this.nodes.entries()) {
        if (!isStopped && wanted <= this.clocks[node].read(this.now)) this.happen({ kind: "time", node });
      }
    }
    this.now = until;
  }

  start(node: SimNode, thread: Thread, operation: Operation): void {
    if (this.#trace !== undefined) this.#trace(`${node.name}${thread.index}: ${describeOperation(operation)}`);
    node.start(thread, operation);
  }

  /** The node is gone with all it had; another takes its place. `notices`: its home hears so at once, without a lease. */
  crash(index: number, notices = true): void {
    const node = this.nodes[index];
    this.#trace?.(`${node.name} crashes`);
    const old = this.process?.sessions.get(node.link.session ?? "");
    this.toHome[index].length = 0;
    this.toNode[index].length = 0;
    this.#forget(index);
    this.#lost[index].clear();
    const begun = notices ? this.process?.begin(this.#nextSession(node.name)) : undefined;
    node.crash(new SimLink(begun?.id, this.process?.boot ?? 0, this.#leaseMicros, node.now));
    if (begun !== undefined) node.id = begun.node;
    if (old === undefined) return;
    if (notices) this.home.end(old, "it crashed");
    else this.home.lost(old);
  }

  /** The connection is lost, with what was under way. The lease goes on. `notices`: the home hears of it at once. */
  cut(index: number, notices = true): void {
    const node = this.nodes[index];
    this.#trace?.(`${node.name} is cut off`);
    const session = this.process?.sessions.get(node.link.session ?? "");
    node.down();
    if (notices && session?.isConnected === true) this.home.lost(session);
  }

  /** The node has been given a lock, or so the home thinks, and with it gets what it said it would want. */
  offer(index: number, mode: Mode, start: PageIndex, end: PageIndex): void {
    const session = this.process?.sessions.get(this.nodes[index].link.session ?? "");
    if (session?.isOpen !== true || !session.isConnected) return;
    this.#trace?.(`${this.nodes[index].name} is offered ${modeName[mode]} ${start}..${end}`);
    this.home.directory.offer(session.node, { request: ++this.#offerLast, mode, start, end });
  }

  /** The connection is there again, and the home has answered the hello. */
  reconnect(index: number): void {
    this.#trace?.(`${this.nodes[index].name} is back`);
    this.nodes[index].greet();
    this.happen({ kind: "toHome", node: index });
    this.happen({ kind: "toNode", node: index });
  }

  onDown(node: SimNode): void {
    const index = this.nodes.indexOf(node);
    this.toHome[index].length = 0;
    this.toNode[index].length = 0;
  }

  /** The home's process dies; what it had taken is with its operating system. */
  crashHome(): void {
    this.#trace?.("the home dies");
    this.process = undefined;
    for (const node of this.nodes) node.down();
  }

  /** Its machine loses its power. `survives` says of each write that was not synced whether it got through. */
  losePower(survives: () => boolean): void {
    this.crashHome();
    this.#trace?.("and its power is lost");
    this.mayBeTorn = true;
    this.disk.losePower(survives);
    this.#onDisk.fill(0);
  }

  restartHome(): void {
    this.#trace?.("the home is back");
    this.process = this.#newHome();
    if (!this.process.recovery.isOpen) this.onRecovered();
  }

  /** Whether nobody who lives may still come back to a home that has restarted, but somebody else is waited for. */
  isGraceOver(): boolean {
    if (this.process === undefined || !this.process.recovery.isOpen) return false;
    const { recovery, sessions } = this.process;
    const expected = this.nodes.filter(({ link }) => link.session !== undefined && recovery.expects(link.session));
    const areBack = expected.every(({ link }) => sessions.has(link.session ?? ""));
    return areBack && recovery.expectedCount > expected.length;
  }

  stop(index: number): void {
    this.#trace?.(`${this.nodes[index].name} is stopped`);
    this.nodes[index].isStopped = true;
    this.excused.add(this.nodes[index]);
  }

  /** It runs again. Its threads may run before it looks at the clock: see `excused`. */
  go(index: number): void {
    this.#trace?.(`${this.nodes[index].name} goes on`);
    this.nodes[index].isStopped = false;
  }

  check(): void {
    checkWorld(this);
  }

  send(from: NodeId | SimNode, message: ToHome | ToNode): void {
    if (typeof from === "number") {
      // To a connection that its node has given up.
      const index = this.nodes.findIndex(({ id }) => id === from);
      if (index < 0) return; // It has crashed.
      if (this.process?.isCondemned(from) === true) return;
      if (this.#trace !== undefined) this.#trace(`    home→${this.#names[index]} ${describe(message)}`);
      if (this.nodes[index].link.state !== "down") this.toNode[index].push(message as ToNode);
    } else {
      if (this.#trace !== undefined) this.#trace(`    ${from.name}→home ${describe(message)}`);
      this.toHome[this.nodes.indexOf(from)].push(message as ToHome);
    }
  }

  onStore(node: SimNode, word: number, value: number): void {
    this.#trace?.(`    ${node.name} has stored ${value} to word ${word}`);
    const page = Math.floor(word / wordsPerPage);
    if (this.isOutcast(node)) {
      this.#lost[this.nodes.indexOf(node)].add(page);
      return;
    }
    for (const other of this.nodes) {
      if (other === node || this.isOutcast(other)) continue;
      for (const { state, hold } of other.threads) {
        const isHeld = hold !== undefined && state !== "pinning" && page >= hold.start && page < hold.end;
        requireTrue(!isHeld, "nobody stores to a page that is on hold elsewhere");
      }
    }
    // A store beyond an end that its node has not heard of yet is dropped.
    if ((word + 1) * wordBytes <= this.sizeBytes) this.reference.store(word, value, node);
  }

  onLoad(node: SimNode, word: number, value: number): void {
    this.#trace?.(`    ${node.name} has loaded ${value} from word ${word}`);
    if ((word + 1) * wordBytes > this.sizeBytes || this.isOutcast(node)) return; // It has not heard yet.
    const should = this.reference.words[word];
    requireTrue(value === should, `a load sees the last store: word ${word} is ${should}, not ${value}`);
  }

  onSize(sizeBytes: number): void {
    this.#trace?.(`    the file has ${pagesOf(sizeBytes)}`);
    this.reference.resize(sizeBytes);
  }

  onHanded(node: SimNode, page: number): number {
    const index = this.nodes.indexOf(node);
    const version = this.reference.latest(page);
    this.#handed[index][page] = version;
    this.#underway[index].add(page);
    return version;
  }

  /** The home begins to put its disk down. @returns what is called when that is done: nothing older may be there again. */
  onSyncBegun(): () => void {
    const versions = [...this.#onDisk];
    return () => this.reference.synced(versions);
  }

  onSync(node: SimNode): () => void {
    const versions = [...this.#handed[this.nodes.indexOf(node)]];
    return () => this.reference.synced(versions);
  }

  onCondemned({ id }: SimSession): void {
    this.#trace?.(`  the session ${id} is condemned: it does not answer`);
  }

  /** The session is over. What it alone had is gone; its node, if it lives, has to say so. */
  onEnded(session: SimSession, reason: string): void {
    this.#ended.add(session.id);
    const node = this.nodes.find(({ link }) => link.session === session.id);
    this.#trace?.(`  the session ${session.id} is over: ${reason}`);
    if (node !== undefined) this.#forget(this.nodes.indexOf(node));
    if (this.home.recovery.isOpen) return; // Others may still bring what is newer: settled when they are all back.
    for (let page = 0; page < this.options.pagesMax; page++) {
      if (this.home.directory.mayWrite(session.node, page, page + 1)) this.#settle(page);
    }
  }

  onRecovered(): void {
    this.#trace?.("  all who survive are back");
    for (const [index, { link }] of this.nodes.entries()) {
      if (link.session === undefined || this.home.sessions.has(link.session)) continue;
      this.#ended.add(link.session);
      this.#forget(index);
    }
    for (let page = 0; page < this.options.pagesMax; page++) if (!this.#isWriting(page)) this.#settle(page);
  }

  /** Whether somebody may store to this page, and has it or has sent it: then that is what everybody is going to see. */
  #isWriting(page: number): boolean {
    return this.nodes.some((node, index) => {
      if (this.isOutcast(node) || !this.home.directory.mayWrite(node.id, page, page + 1)) return false;
      return node.cache.cached[page] === 1 || this.#underway[index].has(page);
    });
  }

  onReported(node: SimNode, pages: ReadonlySet<number>): void {
    const index = this.nodes.indexOf(node);
    for (const page of this.#lost[index]) {
      const isBeyond = page * wordsPerPage * wordBytes >= Math.min(node.cache.sizeBytes, this.sizeBytes);
      requireTrue(isBeyond || pages.has(page), `${node.name} reports that stores to page ${page} are lost`);
    }
    this.#lost[index].clear();
    this.#forget(index);
    this.excused.delete(node);
  }

  /** The newest version for which a living node answers, or that it knows to be stable: for none of them time runs backwards. */
  #answered(page: number): number {
    let newest = 0;
    for (const [index, node] of this.nodes.entries()) {
      if (!this.isOutcast(node)) newest = Math.max(newest, this.#handed[index][page], this.#seen[index][page]);
    }
    return newest;
  }

  /** Notes what each node has in its cache: it is the newest version, as checks of copies show. */
  noteSeen(): void {
    for (const [index, node] of this.nodes.entries()) {
      if (this.isOutcast(node)) continue;
      for (let page = 0; page < this.options.pagesMax; page++) {
        if (node.cache.cached[page] === 1) this.#seen[index][page] = this.reference.latest(page);
      }
    }
  }

  #settle(page: number): void {
    if (page * wordsPerPage * wordBytes >= this.sizeBytes) return;
    const words = [...this.disk.words.subarray(page * wordsPerPage, (page + 1) * wordsPerPage)];
    const lost = this.reference.settle(page, words, this.#answered(page), this.mayBeTorn);
    this.#onDisk[page] = this.reference.latest(page);
    for (const by of lost) {
      if (by.session === by.node.link.session && this.isOutcast(by.node))
        this.#lost[this.nodes.indexOf(by.node)].add(page);
    }
  }

  #forget(index: number): void {
    this.#handed[index].fill(0);
    this.#seen[index].fill(0);
    this.#underway[index].clear();
  }

  #greet(index: number, session: string | undefined): void {
    const node = this.nodes[index];
    const { session: known, state } = this.home.hello(session, this.#nextSession(node.name));
    node.id = known.node;
    const { boot, leaseMicros } = this.home;
    // What the home had queued for an older connection went with that.
    this.toNode[index].length = 0;
    this.send(known.node, { type: "welcome", session: known.id, state, boot, leaseMicros });
  }

  #newHome(): SimHome {
    const { policy, chunkPages } = this.options;
    return new SimHome(this, this.disk, ++this.#bootLast, { policy, chunkPages, leaseMicros: this.#leaseMicros });
  }

  #nextSession(name: string): string {
    return `${name}${++this.#sessionLast}`;
  }

  /** A line for the transcript. */
  say(text: string): void {
    this.#trace?.(text);
  }

  note(node: SimNode, text: string): void {
    this.#trace?.(`    ${node.name} ${text}`);
  }

  /** Everything about every machine, for a transcript. */
  dump(): string[] {
    const lines = this.nodes.map((node, index) => {
      const threads = node.threads.map((thread) => thread.describe()).join(", ");
      const queues = `${this.toHome[index].length} out, ${this.toNode[index].length} in`;
      const tokens = node.tokens?.describe() ?? stateName(node.state);
      return `${node.name}: ${node.cache.describe()} | ${tokens} | threads ${threads} | ${queues}`;
    });
    if (this.process === undefined) return [...lines, "home: dead"];
    const segments = [...this.home.directory.segments()].map(
      ({ node, mode, start, end, epoch }) =>
        `${this.#nameOf(node)} ${mode === Mode.write ? "write" : "read"} ${start}..${end === pageMax ? "end" : end} @${epoch}`,
    );
    return [...lines, `home: ${segments.join(", ") || "nothing held"}; ${this.home.directory.waiterCount} wait`];
  }

  /** What decides which losses will be held against whom, whatever else the world is like. */
  describePromises(): string {
    const pages = Array.from({ length: this.options.pagesMax }, (_, page) => {
      return this.reference.describe(
        page,
        [...this.#handed, ...this.#seen, this.#onDisk].map((versions) => versions[page]),
      );
    });
    const nodes = this.nodes.map((node, index) => {
      return `${this.isOutcast(node)} ${this.excused.has(node)} ${[...this.#lost[index]].sort()} ${[...this.#underway[index]].sort()}`;
    });
    return `${pages.join(";")} ${nodes.join(";")} ${this.mayBeTorn}`;
  }

  #nameOf(id: NodeId): string {
    return this.nodes.find((node) => node.id === id)?.name ?? `node ${id}`;
  }
}

function stateName(state: NodeState): string {
  return `file ${state}`;
}

function describeOperation(operation: Operation): string {
  switch (operation.kind) {
    case "load":
      return `load word ${operation.word}`;
    case "store":
      return `store ${operation.value} to word ${operation.word}`;
    case "hold":
    case "prefetch": {
      const mode = operation.mode === Mode.write ? "write" : "read";
      return `${operation.kind} ${mode} ${operation.start}..${operation.end}`;
    }
    case "truncate":
      return `truncate to ${operation.sizeBytes / 4096} pages`;
    case "giveBack":
    case "evict":
      return `${operation.kind} ${operation.start}..${operation.end}`;
    case "flush":
    case "sync":
      return operation.kind;
  }
}
