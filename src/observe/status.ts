import type { Policy } from "../core/units.js";

/** What a home counts since it was started. Only ever grows. */
export interface HomeCounters {
  acquires: number;
  grants: number;
  /** Grants of a token whose pages the node has already: no data travels. */
  upgrades: number;
  revokes: number;
  releases: number;
  fetches: number;
  /** Page data sent to nodes. */
  dataBytes: number;
  /** Pages sent as a flag, since they are zero. */
  zeroPages: number;
  /** Answers that a revoke overtook, and that were cut short. */
  cutStreams: number;
  writes: number;
  writeBytes: number;
  /** Pages that came without the token for them: dropped, and the node was told. */
  writesRefused: number;
  syncs: number;
  syncsFailed: number;
  requests: number;
  requestsFailed: number;
  resizes: number;
  locks: number;
  /** Requests to nodes to forget names and attributes, before they change. */
  recalls: number;
  /** Frames that were too late to mean anything, such as news of a file that the node has closed. */
  framesIgnored: number;
  protocolErrors: number;
  connections: number;
  connectionsLost: number;
  sessions: number;
  fenced: number;
}

export function newHomeCounters(): HomeCounters {
  return {
    acquires: 0,
    grants: 0,
    upgrades: 0,
    revokes: 0,
    releases: 0,
    fetches: 0,
    dataBytes: 0,
    zeroPages: 0,
    cutStreams: 0,
    writes: 0,
    writeBytes: 0,
    writesRefused: 0,
    syncs: 0,
    syncsFailed: 0,
    requests: 0,
    requestsFailed: 0,
    resizes: 0,
    locks: 0,
    recalls: 0,
    framesIgnored: 0,
    protocolErrors: 0,
    connections: 0,
    connectionsLost: 0,
    sessions: 0,
    fenced: 0,
  };
}

/** What a home has done with one node since that connected. Only ever grows. */
export type HomeNodeCounters = Pick<
  HomeCounters,
  "acquires" | "revokes" | "requests" | "recalls" | "dataBytes" | "writeBytes"
>;

export function newHomeNodeCounters(): HomeNodeCounters {
  return { acquires: 0, revokes: 0, requests: 0, recalls: 0, dataBytes: 0, writeBytes: 0 };
}

export interface HomeFileStatus {
  readonly name: string;
  /** Nothing leads to it any more, by this name or another: it lives on for those who have it open. */
  readonly isRemoved: boolean;
  readonly sizeBytes: number;
  readonly policy: Policy;
  /** Nodes that have it open. */
  readonly nodes: number;
  /** Segments of the directory: its memory follows this number, not the file's size. */
  readonly segments: number;
  readonly readers: number;
  readonly writers: number;
  /** Acquires in line. */
  readonly waiters: number;
  readonly locks: number;
  readonly locksWaiting: number;
}

export interface HomeNodeStatus {
  readonly node: number;
  readonly name: string;
  readonly address: string;
  /** `lost`: its connection is gone, its lease still runs. */
  readonly state: "connected" | "lost";
  readonly files: number;
  readonly tokens: number;
  readonly lastHeardMillis: number;
  /** Answers on their way, in pages. */
  readonly streamPages: number;
  readonly counters: Readonly<HomeNodeCounters>;
}

/** One view of a home, for the command line, the dashboard and the tests alike. */
export interface HomeStatus {
  /** Changes with every start of the home. */
  readonly boot: string;
  readonly pid: number;
  readonly url: string;
  /** The served folder, or "memory". */
  readonly store: string;
  readonly leaseMillis: number;
  readonly uptimeMillis: number;
  readonly memory: { readonly residentBytes: number; readonly heapBytes: number };
  /** Bytes that the disk refused and that are kept in memory until it takes them. */
  readonly refusedBytes: number;
  readonly counters: Readonly<HomeCounters>;
  /** At most 1000 of the open files; `openFiles` counts all. */
  readonly files: readonly HomeFileStatus[];
  readonly openFiles: number;
  /** Over the network as many as fit into an answer, as with `files` and `fencings`; `nodeCount` counts all. */
  readonly nodes: readonly HomeNodeStatus[];
  readonly nodeCount: number;
  /** The last nodes that were fenced, newest first, at most 100; `counters.fenced` counts all. */
  readonly fencings: readonly FencedEvent[];
}

export interface TokenSegment {
  readonly node: number;
  readonly name: string;
  readonly mode: "read" | "write";
  readonly start: number;
  readonly end: number;
  readonly epoch: number;
}

/** Who holds what of one file, in pages. */
export interface FileTokensStatus {
  readonly name: string;
  readonly sizeBytes: number;
  readonly policy: Policy;
  readonly epoch: number;
  readonly waiters: number;
  /** The first 20,000, over the network as many as fit into an answer; `segmentCount` counts all. */
  readonly segments: readonly TokenSegment[];
  readonly segmentCount: number;
}

/** A node that was silent for longer than its lease, or did not give way: what it held is free again. */
export interface FencedEvent extends Fencing {
  /** Since 1970. */
  readonly atMillis: number;
  /** Not all `files` have found room in the answer. */
  readonly isClipped?: boolean;
}

export interface Fencing {
  /** 0 for one that did not come back after the home's restart: it never had a number there. */
  readonly node: number;
  readonly name: string;
  readonly reason: string;
  /**
   * Ranges, in pages, that it held for writing: stores there that it had not sent are lost. At most 100 a file. Of a node
   * that did not come back after a restart only its files are known, not the ranges: those are the whole files.
   */
  readonly files: readonly { readonly name: string; readonly ranges: readonly (readonly [number, number])[] }[];
}
