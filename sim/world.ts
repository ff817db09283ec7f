import { Mode, type NodeId, type Policy, pageMax } from "../src/core/units.js";
import { checkWorld } from "./checks.js";
import { describe, pagesOf, type ToHome, type ToNode } from "./message.js";
import { SimHome, wordBytes, wordsPerPage } from "./sim-home.js";
import { type NodeState, SimNode } from "./sim-node.js";
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
  readonly trace?: ((line: string) => void) | undefined;
}

/** Something that can happen next. */
export type WorldEvent =
  | { kind: "toHome" | "toNode" | "stream" | "room" | "time"; node: number }
  | { kind: "run"; node: number; thread: number };

/**
 * n nodes and a home, the shipped machines on both sides, joined by one ordered queue each way. Nothing happens by itself:
 * whoever drives the world chooses what is delivered, which thread runs, and when time passes.
 *
 * `reference` is the memory that the programs are promised: a store changes it when it completes, and every load must see it.
 */
export class World {
  now = 0;
  readonly home: SimHome;
  readonly nodes: SimNode[];
  readonly toHome: ToHome[][];
  readonly toNode: ToNode[][];
  readonly reference: Int32Array;
  readonly options: WorldOptions;
  refusesSize: () => boolean = () => false;
  failsRead: () => boolean = () => false;
  hidesProgress: () => boolean = () => false;
  readonly #trace: ((line: string) => void) | undefined;
  readonly #names: string[];
  #nodeLast = 0;

  constructor(options: WorldOptions) {
    this.options = options;
    this.#trace = options.trace;
    this.#names = Array.from({ length: options.nodes }, (_, index) => String.fromCharCode(97 + index));
    this.home = new SimHome(this, options);
    this.nodes = this.#names.map((name) => new SimNode(this, name, ++this.#nodeLast, options));
    this.toHome = this.nodes.map(() => []);
    this.toNode = this.nodes.map(() => []);
    this.reference = new Int32Array(options.pagesMax * wordsPerPage);
  }

  /** All that can happen without anybody beginning anything new. */
  *events(): Generator<WorldEvent> {
    for (let node = 0; node < this.nodes.length; node++) {
      if (this.toHome[node].length > 0) yield { kind: "toHome", node };
      if (this.toNode[node].length > 0) yield { kind: "toNode", node };
      if (this.home.streamCount(this.nodes[node].id) > 0) yield { kind: "stream", node };
      if (this.nodes[node].roomWanted) yield { kind: "room", node };
      for (const { state, index } of this.nodes[node].threads) {
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
        return this.home.receive(node.id, message);
      }
      case "toNode": {
        const message = this.toNode[event.node].shift();
        if (message === undefined) return;
        if (this.#trace !== undefined) this.#trace(`  ${node.name} hears: ${describe(message)}`);
        return node.receive(message);
      }
      case "stream":
        return this.home.stream(node.id);
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

  /** The next moment at which any node wants to look again; Infinity for none. */
  get deadline(): number {
    return Math.min(...this.nodes.map(({ tokens }) => tokens?.deadline ?? Number.POSITIVE_INFINITY));
  }

  /** Lets time pass; whoever wanted to look by then does so. */
  pass(micros: number): void {
    this.now += micros;
    for (let node = 0; node < this.nodes.length; node++) {
      if ((this.nodes[node].tokens?.deadline ?? Number.POSITIVE_INFINITY) <= this.now)
        this.happen({ kind: "time", node });
    }
  }

  start(node: SimNode, thread: Thread, operation: Operation): void {
    if (this.#trace !== undefined) this.#trace(`${node.name}${thread.index}: ${describeOperation(operation)}`);
    node.start(thread, operation);
  }

  /** The node is gone with all it had; what it alone had written is lost, as far as the home has not got it (R15). */
  crash(index: number): void {
    const node = this.nodes[index];
    this.#trace?.(`${node.name} crashes`);
    const old = node.id;
    for (let word = 0; word < this.reference.length; word++) {
      const page = Math.floor(word / wordsPerPage);
      if (this.home.directory.mayWrite(old, page, page + 1)) this.reference[word] = this.home.words[word];
    }
    this.toHome[index].length = 0;
    this.toNode[index].length = 0;
    node.crash(++this.#nodeLast);
    this.home.leave(old);
  }

  /** The connection is lost, with what was under way. The lease goes on. */
  cut(index: number): void {
    const node = this.nodes[index];
    this.#trace?.(`${node.name} is cut off`);
    node.disconnect(this.toHome[index]);
    this.toHome[index].length = 0;
    this.toNode[index].length = 0;
    this.home.disconnected(node.id);
  }

  reconnect(index: number): void {
    this.#trace?.(`${this.nodes[index].name} is back`);
    this.nodes[index].reclaim();
  }

  check(): void {
    checkWorld(this);
  }

  send(from: NodeId | SimNode, message: ToHome | ToNode): void {
    if (typeof from === "number") {
      const index = this.nodes.findIndex(({ id }) => id === from);
      if (index < 0) return; // It has crashed.
      if (this.#trace !== undefined) this.#trace(`    home→${this.#names[index]} ${describe(message)}`);
      this.toNode[index].push(message as ToNode);
    } else {
      if (this.#trace !== undefined) this.#trace(`    ${from.name}→home ${describe(message)}`);
      this.toHome[this.nodes.indexOf(from)].push(message as ToHome);
    }
  }

  onStore(node: SimNode, word: number, value: number): void {
    this.#trace?.(`    ${node.name} has stored ${value} to word ${word}`);
    const page = Math.floor(word / wordsPerPage);
    for (const other of this.nodes) {
      if (other === node) continue;
      for (const { state, hold } of other.threads) {
        const isHeld = hold !== undefined && state !== "pinning" && page >= hold.start && page < hold.end;
        requireTrue(!isHeld, "nobody stores to a page that is on hold elsewhere");
      }
    }
    // A store beyond an end that its node has not heard of yet is dropped.
    if ((word + 1) * wordBytes <= this.home.sizeBytes) this.reference[word] = value;
  }

  onLoad(node: SimNode, word: number, value: number): void {
    this.#trace?.(`    ${node.name} has loaded ${value} from word ${word}`);
    if ((word + 1) * wordBytes > this.home.sizeBytes) return; // Cut off a moment ago; it has not heard yet.
    requireTrue(
      value === this.reference[word],
      `a load sees the last store: word ${word} is ${this.reference[word]}, not ${value}`,
    );
  }

  onSize(sizeBytes: number): void {
    this.#trace?.(`    the file has ${pagesOf(sizeBytes)}`);
    this.reference.fill(0, sizeBytes / wordBytes);
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
      return "flush";
  }
}
