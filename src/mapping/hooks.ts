/**
 * The contract between a mapping and the filesystem behind it: what a hooks module exports, and what its hooks are given.
 * Hooks run on the pager's thread, between two faults. They are synchronous, never touch a view's memory, and never wait
 * for anything; what takes time is kept and answered later, on a message from the program (`onMessage`) or when a
 * descriptor is ready (`watch`). Several mappings may share a module, and then its thread.
 */
export interface Hooks {
  /** A mapping of this module was made; called before its first fault. */
  start?(mapping: HookMapping): void;
  /**
   * The RFC's do_no_page: a thread touched a page that is not cached, and sleeps. Called once a page however many threads
   * wait for it. A hook that throws stops the process: the thread would sleep for ever.
   */
  noPage(fault: Fault): void;
  /** The RFC's do_wp_page: a thread stores to a page that is cached and not writable. Without this hook it may. */
  wpPage?(fault: Fault): void;
  /**
   * Write-back: takes these bytes of the file, in order of their offsets, clipped to its size. `bytes` is only good during
   * the call. A hook with a third parameter says when they are safe, by `done()`, or `done(error)`; one with two has
   * finished when it returns. After an error (or a throw) the pages are dirty again and the caller is told.
   */
  writePages?(range: WrittenRange, bytes: Uint8Array, done: (error?: unknown) => void): void;
  /** The program called `mapping.post(message)`. */
  onMessage?(mapping: HookMapping, message: unknown): void;
  /** The mapping was closed. */
  stop?(mapping: HookMapping): void;
}

/** A thread sleeps until one of the answers is given, now or later. An answer that comes too late does nothing. */
export interface Fault {
  readonly mapping: HookMapping;
  /** Byte offset of the page. */
  readonly offset: number;
  /** Whether a thread wants to store through a shared view. May become true while the fault is kept. */
  readonly write: boolean;
  /**
   * Gives the page its bytes, and its neighbours behind it when there are more than 4096 (up to the first that is cached, or
   * was evicted or truncated since the fault); what is missing to a whole page is zeros. "read" keeps it write-protected, so that a store calls `wpPage`; "write"
   * lets stores through unseen, and the page counts as dirty at once.
   *
   * @returns false when the page was evicted, truncated or filled since the fault: these bytes may be old, so they are
   *   dropped, and the thread faults again (R9).
   */
  fill(bytes: Uint8Array, access: "read" | "write"): boolean;
  /** `wpPage` only: the store goes ahead, and later ones do too. */
  allowWrite(): boolean;
  /** The thread runs and faults again. */
  retry(): boolean;
  /** The page cannot be had: the thread gets SIGBUS, as from a broken disk, which ends a JavaScript program. */
  poison(): boolean;
}

export interface WrittenRange {
  readonly mapping: HookMapping;
  readonly offset: number;
  readonly length: number;
}

type Done = (error?: unknown) => void;

/** A mapping as its hooks see it. The ranges are those of `Mapping`: any bytes, rounded outwards, length 0 to the end. */
export interface HookMapping {
  readonly name: string;
  /** What the program gave `Mapping.create`. */
  readonly data: unknown;
  readonly size: number;
  /** The hooks' own. */
  state: unknown;
  unmapMappingRange(start: number, length: number): void;
  /** Calls `done` when everything dirty in the range, also what was under way before, has been written. */
  writeMappingRange(start: number, length: number, done?: Done): void;
  /** Writes back, waits for that, and drops the range. Faults in it wait meanwhile. */
  evictMappingRange(start: number, length: number, done?: Done): void;
  truncate(size: number): void;
  /** Sends the program a message: its `onMessage`. */
  post(message: unknown): void;
  /** Calls back whenever one of the epoll events is so; `unwatch` before the descriptor is closed. */
  watch(descriptor: number, events: number, onReady: (events: number) => void): void;
  unwatch(descriptor: number): void;
}
