import { Mode, type NodeId, type PageIndex, type Policy, pageMax } from "../src/core/units.js";
import { checkWorld } from "./checks.js";
import { Clock } from "./clock.js";
import { describe, modeName, pagesOf, type ToHome, type ToNode } from "./message.js";
import { Promises } from "./promises.js";
import { SimDisk } from "./sim-disk.js";
import { wordBytes, wordsPerPage } from "./sim-file.js";
import { type HomeWorld, SimHome, type SimSession } from "./sim-home.js";
import { SimLink } from "./sim-link.js";
import { type NodeState, type NodeWorld, SimNode } from "./sim-node.js";
import { describeOperation, type Operation, type Thread } from "./thread.js";
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
  | { kind: "toHome" | "toNode" | "stream" | "room" | "dropped" | "time" | "hello" | "disk"; node: number }
  | { kind: "run"; node: number; thread: number };

/**
 * n nodes and a home, the shipped machines on both sides, joined by one ordered queue each way. Nothing happens by itself:
 * whoever drives the world chooses what is delivered, which thread runs, and when time passes.
 */
export class World implements HomeWorld, NodeWorld {
  now = 0;
  /** Undefined while the home's process is dead. */
  process: SimHome | undefined;
  readonly disk: SimDisk;
  readonly nodes: SimNode[];
  readonly toHome: ToHome[][];
  readonly toNode: ToNode[][];
  readonly promises: Promises;
  readonly options: WorldOptions;
  readonly homeClock = new Clock();
  readonly clocks: Clock[];
  /** Whether messages of a node arrive, each way. */
  readonly isCut: { toHome: boolean; toNode: boolean }[];
  /** A node that has lost its connection, or that has died, connects by itself. */
  reconnects = false;
  refusesSize: () => boolean = () => false;
  failsRead: () => boolean = () => false;
  offersAtOpening: () => boolean = () => false;
  hidesProgress: () => boolean = () => false;
  keepsAbove: (node: SimNode) => boolean = () => false;
  readonly #leaseMicros: number;
  readonly #trace: ((line: string) => void) | undefined;
  #offerLast = 2 ** 31;
  readonly #names: string[];
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
    this.promises = new Promises(this);
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
      const { id, roomWanted, isKeptAbove, threads, isStopped, link } = this.nodes[node];
      const { toHome, toNode } = this.isCut[node];
      if (process !== undefined && !toHome && this.toHome[node].length > 0) yield { kind: "toHome", node };
      if (!isStopped && !toNode && this.toNode[node].length > 0) yield { kind: "toNode", node };
      if (process !== undefined && process.file.streamCount(id) > 0) yield { kind: "stream", node };
      if (isStopped) continue;
      if (process !== undefined && this.reconnects && link.state === "down") yield { kind: "hello", node };
      if (roomWanted) yield { kind: "room", node };
      if (isKeptAbove) yield { kind: "dropped", node };
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
        const session = this.process?.sessions.get(node.link.session ?? "");
        this.promises.onArrived(node, message, session !== undefined);
        if (session !== undefined) this.home.receive(session, message);
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
      case "dropped":
        this.#trace?.(`  the cache above ${node.name} has dropped what it was told to`);
        return node.droppedAbove();
      case "time":
        this.#trace?.(`  ${node.name} looks again at ${this.now} µs`);
        return node.time();
      case "run":
        return node.programs.run(node.threads[event.thread]);
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
    node.programs.start(thread, operation);
  }

  /** The node is gone with all it had; another takes its place. `notices`: its home hears so at once, without a lease. */
  crash(index: number, notices = true): void {
    const node = this.nodes[index];
    this.#trace?.(`${node.name} crashes`);
    const old = this.process?.sessions.get(node.link.session ?? "");
    this.toHome[index].length = 0;
    this.toNode[index].length = 0;
    this.promises.onCrash(node);
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
    this.disk.losePower(survives);
    this.promises.onPowerLost();
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
    this.promises.excused.add(this.nodes[index]);
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
    const { promises } = this;
    if (promises.isOutcast(node)) return promises.onVain(node, page);
    for (const other of this.nodes) {
      if (other === node || promises.isOutcast(other)) continue;
      for (const { state, hold } of other.threads) {
        const isHeld = hold !== undefined && state !== "pinning" && page >= hold.start && page < hold.end;
        requireTrue(!isHeld, "nobody stores to a page that is on hold elsewhere");
      }
    }
    // A store beyond an end that its node has not heard of yet is dropped.
    if ((word + 1) * wordBytes <= this.sizeBytes) promises.reference.store(word, value, node);
  }

  onLoad(node: SimNode, word: number, value: number): void {
    this.#trace?.(`    ${node.name} has loaded ${value} from word ${word}`);
    const { promises } = this;
    if ((word + 1) * wordBytes > this.sizeBytes || promises.isOutcast(node)) return; // It has not heard yet.
    const should = promises.reference.words[word];
    requireTrue(value === should, `a load sees the last store: word ${word} is ${should}, not ${value}`);
  }

  onSize(sizeBytes: number): void {
    this.#trace?.(`    the file has ${pagesOf(sizeBytes)}`);
    this.promises.reference.resize(sizeBytes);
  }

  onHanded(node: SimNode, page: number): number {
    return this.promises.onHanded(node, page);
  }

  onSyncBegun(): () => void {
    return this.promises.onSyncBegun();
  }

  onSync(node: SimNode): () => void {
    return this.promises.onSync(node);
  }

  onCondemned({ id }: SimSession): void {
    this.#trace?.(`  the session ${id} is condemned: it does not answer`);
  }

  onEnded(session: SimSession, reason: string): void {
    this.#trace?.(`  the session ${session.id} is over: ${reason}`);
    this.promises.onEnded(session);
  }

  onRecovered(): void {
    this.#trace?.("  all who survive are back");
    this.promises.onRecovered();
  }

  onReported(node: SimNode, pages: ReadonlySet<number>): void {
    this.promises.onReported(node, pages);
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

  #nameOf(id: NodeId): string {
    return this.nodes.find((node) => node.id === id)?.name ?? `node ${id}`;
  }
}

function stateName(state: NodeState): string {
  return `file ${state}`;
}
