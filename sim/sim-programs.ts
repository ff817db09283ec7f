import { type PageIndex, pageMax } from "../src/core/units.js";
import { wordBytes, wordsPerPage } from "./sim-file.js";
import type { NodeWorld, SimNode } from "./sim-node.js";
import { type Operation, Thread } from "./thread.js";

/** What the threads of a simulated node's program do: load, store, hold, and sleep in faults. */
export class SimPrograms {
  readonly threads: readonly Thread[];
  readonly #node: SimNode;
  readonly #world: NodeWorld;
  #pinLast = 0;
  #truncateLast = 0;

  constructor(node: SimNode, world: NodeWorld, threadCount: number) {
    this.#node = node;
    this.#world = world;
    this.threads = Array.from({ length: threadCount }, (_, index) => new Thread(index));
  }

  /** Whether no thread is inside an operation that a close would cut short. */
  get areOutside(): boolean {
    return this.threads.every(({ state }) => state === "idle" || state === "prefetching");
  }

  start(thread: Thread, operation: Operation): void {
    thread.begin(operation);
    switch (operation.kind) {
      case "load":
      case "store":
        return this.run(thread);
      case "hold":
      case "prefetch":
        return this.#pinRange(thread, operation);
      case "truncate":
        if (!this.#node.isReady) return thread.end();
        thread.state = "truncating";
        thread.pin = ++this.#truncateLast;
        return this.#world.send(this.#node, { type: "truncate", request: thread.pin, sizeBytes: operation.sizeBytes });
      case "giveBack":
        thread.end();
        return this.#node.act((tokens) => tokens.giveBack(operation.start, operation.end, this.#node.now));
      case "evict":
        thread.end();
        return this.#node.evictCold(operation.start, operation.end);
      case "flush":
        thread.end();
        this.#node.pages.writeBack(0, pageMax);
        return;
      case "sync":
        thread.end();
        this.#node.sync();
    }
  }

  /** A thread that may run tries its load or store: for the first time, or again after a fault. */
  run(thread: Thread): void {
    const access = thread.access;
    const page = Math.floor(access.word / wordsPerPage);
    if ((access.word + 1) * wordBytes > this.#node.cache.sizeBytes) return thread.passed(); // Beyond the end: junk.
    if (this.#node.isSuspended) return thread.sleep(page);
    const { cache } = this.#node;
    const touched = cache.cached[page] === 1 && cache.mapped[page] === 0;
    if (cache.cached[page] === 1) cache.mapped[page] = 1;
    if (access.kind === "store" ? cache.writable[page] === 1 : cache.cached[page] === 1) {
      thread.passed();
      if (access.kind === "load") this.#world.onLoad(this.#node, access.word, cache.words[access.word]);
      else {
        cache.words[access.word] = access.value;
        this.#world.onStore(this.#node, access.word, access.value);
      }
    } else {
      thread.sleep(page);
      if (this.#node.hasLapsed() || this.#isAsked(thread)) return;
      if (this.#node.cache.cached[page] === 0)
        this.#node.act((tokens) => tokens.noPage(page, access.kind === "store", this.#node.now));
      else this.#node.act((tokens) => tokens.wpPage(page, this.#node.now));
    }
    if (touched) this.#node.act((tokens) => tokens.touched(page, this.#node.now));
  }

  /** Every other one has waited for what is used in another cache from here on, as the kernel's is on a mount. */
  unhold(thread: Thread): void {
    const { pin, pinSince } = thread;
    thread.end();
    this.#node.act((tokens) => tokens.unpin(pin, this.#node.now, pin % 2 === 0 ? pinSince : undefined));
  }

  /** Threads that sleep at this page may run. */
  wake(page: PageIndex): void {
    for (const thread of this.threads) thread.wake(page);
  }

  /** Whether a thread may run at this page, and has not yet. */
  isLetOn(page: PageIndex): boolean {
    return this.threads.some((thread) => thread.state === "woken" && thread.page === page);
  }

  pinned(pin: number): void {
    const thread = this.threads.find((candidate) => candidate.pin === pin && candidate.waitsForPin);
    if (thread === undefined) return;
    if (thread.state === "prefetching") thread.end();
    else {
      thread.state = "holding";
      this.#world.note(this.#node, "has its hold");
    }
  }

  truncated(request: number): void {
    this.threads.find(({ state, pin }) => state === "truncating" && pin === request)?.end();
  }

  /** The connection is lost: who waited for a truncate never learns how it went. */
  down(): void {
    for (const thread of this.threads) if (thread.state === "truncating") thread.end();
  }

  loseHolds(): void {
    for (const thread of this.threads) thread.loseHold();
  }

  end(): void {
    for (const thread of this.threads) thread.end();
  }

  #pinRange(thread: Thread, operation: Operation & { kind: "hold" | "prefetch" }): void {
    const { kind, mode, start, end } = operation;
    thread.pin = ++this.#pinLast;
    thread.pinSince = this.#node.now;
    thread.state = kind === "hold" ? "pinning" : "prefetching";
    this.#node.act((tokens) =>
      tokens[kind === "hold" ? "pin" : "prefetch"](thread.pin, mode, start, end, this.#node.now),
    );
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
}
