import { Mode, type PageIndex } from "../src/core/units.js";
import { requireTrue } from "./violation.js";

/** What a thread of a program may do. */
export type Operation =
  | { kind: "load"; word: number }
  | { kind: "store"; word: number; value: number }
  | { kind: "hold"; mode: Mode; start: PageIndex; end: PageIndex }
  | { kind: "prefetch"; mode: Mode; start: PageIndex; end: PageIndex }
  | { kind: "truncate"; sizeBytes: number }
  | { kind: "giveBack"; start: PageIndex; end: PageIndex }
  | { kind: "evict"; start: PageIndex; end: PageIndex }
  | { kind: "flush" | "sync" };

export type Access = Operation & { kind: "load" | "store" };

export type ThreadState = "idle" | "asleep" | "woken" | "pinning" | "holding" | "prefetching" | "truncating";

/** One thread of a simulated program: at most one operation at a time, and loads and stores inside a hold. */
export class Thread {
  readonly index: number;
  state: ThreadState = "idle";
  /** Where it sleeps, or has just been let on. */
  page: PageIndex = -1;
  /** Its hold, prefetch or truncate. */
  pin = 0;
  /** When it asked for that. */
  pinSince = 0;
  hold: (Operation & { kind: "hold" }) | undefined;
  #access: Access | undefined;

  constructor(index: number) {
    this.index = index;
  }

  get isIdle(): boolean {
    return this.state === "idle";
  }

  get waitsForPin(): boolean {
    return this.state === "pinning" || this.state === "prefetching";
  }

  get access(): Access {
    requireTrue(this.#access !== undefined, "a thread that runs has something to do");
    return this.#access;
  }

  begin(operation: Operation): void {
    const isAccess = operation.kind === "load" || operation.kind === "store";
    requireTrue(this.isIdle || (this.state === "holding" && isAccess), "a thread does one thing at a time");
    if (isAccess) this.#access = operation;
    else if (operation.kind === "hold") this.hold = operation;
  }

  sleep(page: PageIndex): void {
    this.state = "asleep";
    this.page = page;
  }

  wake(page: PageIndex): void {
    if (this.state === "asleep" && this.page === page) this.state = "woken";
  }

  /** Its load or store has completed. */
  passed(): void {
    this.#access = undefined;
    this.page = -1;
    this.state = this.hold === undefined ? "idle" : "holding";
  }

  end(): void {
    this.#access = undefined;
    this.hold = undefined;
    this.page = -1;
    this.pin = 0;
    this.state = "idle";
  }

  /** Its hold was lost with its node's session; what it does inside goes on without. A hold that was waited for still is. */
  loseHold(): void {
    if (this.state === "pinning" || this.hold === undefined) return;
    this.hold = undefined;
    if (this.state === "holding") this.end();
  }

  describe(): string {
    const access = this.#access === undefined ? "" : ` ${this.#access.kind} ${this.#access.word}`;
    return `${this.state}${access}${this.page < 0 ? "" : ` at ${this.page}`}`;
  }
}

/** An operation in words, as transcripts show it. */
export function describeOperation(operation: Operation): string {
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
