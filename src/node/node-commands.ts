import type { Mode, Policy } from "../core/units.js";
import type { Polling } from "../kernel/polling-epoll.js";
import type { BeyondEnd } from "../mapping/cache-view.js";

/** What starts a node's pager thread. */
export interface NodeSetup {
  readonly host: string;
  readonly port: number;
  readonly family: 4 | 6;
  /** For people who look at the home's status. */
  readonly name: string;
  /** Pages kept in memory, over all files. */
  readonly cachePages: number;
  readonly polling: Polling;
  /** Infinity for none. */
  readonly faultDeadlineMicros: number;
}

/** The calls that the program's thread makes to the pager thread. Page numbers, except where bytes are said. */
export interface OpenArgs {
  readonly name: string;
  readonly create: boolean;
  readonly exclusive: boolean;
  readonly size?: number;
  readonly policy?: Policy;
  /** Names the request for `cancel`; without it nobody gives up. */
  readonly ticket?: number;
}

export interface OpenedFile {
  /** Names the open file on this node; stays the same when the connection is made anew. */
  readonly id: number;
  /** Tells apart who has it open: each is told once of stores that are lost. */
  readonly opening: number;
  readonly size: number;
  readonly policy: Policy;
  readonly created: boolean;
}

export interface OpeningRef {
  readonly file: number;
  readonly opening: number;
}

/** A control request that the pager only passes on. */
export interface RequestArgs {
  readonly op: string;
  readonly args: object;
  /** Names the request for `cancel`; without it nobody gives up. */
  readonly ticket?: number;
}

export interface TruncateArgs {
  readonly file: number;
  readonly size: number;
  /** As of `RequestArgs`. */
  readonly ticket?: number;
}

export interface LockArgs {
  readonly file: number;
  /** Names the request for `cancel`. */
  readonly ticket: number;
  readonly start: number;
  readonly length: number;
  readonly mode: "shared" | "exclusive";
  readonly wait: boolean;
}

export interface UnlockArgs {
  readonly file: number;
  /** As `lock` answered. */
  readonly lock: number;
}

export interface ViewArgs {
  readonly file: number;
  readonly sharing: "shared" | "private";
  readonly firstPage: number;
  readonly pageCount: number;
  readonly beyondEnd: BeyondEnd;
}

export interface ViewRef {
  readonly file: number;
  readonly view: number;
}

export interface PinArgs {
  readonly file: number;
  readonly pin: number;
  readonly mode: Mode;
  readonly start: number;
  readonly end: number;
  /** Kept until `unpin`, or only brought here once. */
  readonly hold: boolean;
}

export interface PinRef {
  readonly file: number;
  readonly pin: number;
}

/** Bytes within one piece of `pieceBytes`. */
export interface ReadArgs extends PinRef {
  readonly offset: number;
  readonly length: number;
}

export interface WriteArgs extends PinRef {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** What the pager tells unasked. */
export interface NodeEvents {
  resize: { file: number; size: number };
  stall: { file: number; page: number; seconds: number; reason: string };
  resume: { file: number; seconds: number };
  /** Stores that could not be sent before the session ended; page range. */
  lost: { file: number; start: number; end: number };
  disconnect: { message: string };
  reconnect: object;
}

/** The longest piece of one `read` or `write` call. */
export const pieceBytes = 1024 * 1024;
