import type { Policy } from "../units.js";
import type { Thing, TreeRequests } from "./tree-requests.js";

/** JSON payloads of the control frames. Sizes and offsets in bytes. */
export interface Hello {
  readonly protocol: string;
  readonly version: number;
  /** For people: host name and process id. */
  readonly name: string;
  /** A session to go on with, after a lost connection. */
  readonly session?: string;
}

export interface Welcome {
  readonly version: number;
  readonly node: number;
  /** Names the session when the node reconnects. */
  readonly session: string;
  /** Changes with every start of the home process (R20). */
  readonly boot: string;
  /** How long the node may act on its tokens without hearing from its home. */
  readonly leaseMillis: number;
  /**
   * What became of the session that the hello named. `resumed`: it lives on, with its tokens. `recovering`: the home has
   * restarted, and takes the node's word for what it holds. `new`: nothing is left of it. In the first two cases the
   * node restores, claims, and then sends `claimed` for each file, and `recovered` at last.
   */
  readonly state: "new" | "resumed" | "recovering";
}

export interface FileStat {
  /** Path under the served folder, with `/`. */
  readonly name: string;
  readonly size: number;
  readonly policy: Policy;
  readonly modifiedMillis: number;
  /** Bytes allocated on disk; less than `size` for a sparse file. */
  readonly allocatedBytes: number;
}

export interface Opened {
  readonly file: number;
  readonly size: number;
  readonly policy: Policy;
  readonly created: boolean;
  /** What people call it, where the node did not say so itself. */
  readonly name?: string;
  /** Which file it is, where the node has said no more than a name. */
  readonly thing?: Thing;
  /** The node may make it longer by itself, until `recallGrowth` or until it asks for a size. */
  readonly growsHere?: boolean;
  /** Programs of another node may be writing it just now. Only said to who opens it for writing, too. */
  readonly isShared?: boolean;
}

/**
 * In the place of the request that a grant answers: it comes with the opening of its file. Acquires are counted from 1 for each file,
 * what locks bring is from above this.
 */
export const openingRequest = 2 ** 31;

export interface Resized {
  readonly size: number;
  /** As of `Opened`. */
  readonly growsHere?: boolean;
}

/** Control requests by `op`, each with its answer. */
export interface ControlOperations extends TreeRequests {
  /** Numbers an open file for this session. One node that opens a file twice gets the same number twice. */
  open: {
    /** `thing`: the one that the node has had open by this name, whatever leads to it now; DMMAP_STALE when nothing does. */
    request: { name: string; create?: boolean; exclusive?: boolean; size?: number; policy?: Policy; thing?: Thing };
    reply: Opened;
  };
  /** The last close of a file in this session; all its tokens have been released before. */
  close: { request: { file: number }; reply: object };
  stat: { request: { name: string }; reply: FileStat };
  /** At most `limit` files in name order, after `after`. */
  list: { request: { after?: string; limit?: number; prefix?: string }; reply: { files: FileStat[]; more: boolean } };
  rename: { request: { from: string; to: string }; reply: object };
  remove: { request: { name: string }; reply: object };
  /** Answered when every node that has the file open lives by the new size. */
  truncate: { request: { file: number; size: number }; reply: Resized };
  /** Takes back a `setLock` request that still waits (`request` is its number). */
  cancelLock: { request: { request: number }; reply: object };
  /**
   * A node that is back has restored and claimed all it has of the file. It has heard of no later epoch, and has taken on no
   * later duty (R20) than these. `refused`: page ranges that it has lost.
   */
  claimed: {
    request: { file: number; epoch: number; duty: number };
    reply: { size: number; epoch: number; refused: [number, number][] };
  };
  /** The node has claimed all its files. */
  recovered: { request: object; reply: object };
  status: { request: object; reply: object };
  tokens: { request: { name: string }; reply: object };
}
export type ControlOperation = keyof ControlOperations;

/** A failure's payload. `code` is stable and has a heading in docs/errors.md. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  /** Linux's number, where the home's system gave one. */
  readonly errno?: number | undefined;
}
