import { Mode } from "../core/units.js";
import type {
  FencedEvent,
  FileTokensStatus,
  HomeCounters,
  HomeFileStatus,
  HomeNodeStatus,
  HomeStatus,
  TokenSegment,
} from "../observe/status.js";
import type { Store } from "../store/store.js";
import type { OpenFile } from "./open-file.js";
import type { OpenFiles } from "./open-files.js";
import type { Session } from "./session.js";
import type { Sessions } from "./sessions.js";

const filesMax = 1000;
const segmentsMax = 20_000;

export interface Reported {
  readonly boot: string;
  readonly url: string;
  readonly storeName: string;
  readonly leaseMillis: number;
  readonly startedMicros: number;
  readonly nowMicros: number;
  readonly counters: HomeCounters;
  readonly store: Store;
  readonly files: OpenFiles;
  readonly sessions: Sessions;
  readonly fencings: readonly FencedEvent[];
}

export function homeStatus(home: Reported): HomeStatus {
  const { rss, heapUsed } = process.memoryUsage();
  return {
    boot: home.boot,
    pid: process.pid,
    url: home.url,
    store: home.storeName,
    leaseMillis: home.leaseMillis,
    uptimeMillis: (home.nowMicros - home.startedMicros) / 1000,
    memory: { residentBytes: rss, heapBytes: heapUsed },
    refusedBytes: home.store.refusedBytes,
    counters: { ...home.counters },
    openFiles: home.files.count,
    files: [...home.files.all()].slice(0, filesMax).map(fileStatus),
    nodes: [...home.sessions.all()].map((session) => nodeStatus(session, home.nowMicros)),
    nodeCount: home.sessions.count,
    fencings: [...home.fencings],
  };
}

export function fileTokens(open: OpenFile, sessions: Sessions): FileTokensStatus {
  const segments: TokenSegment[] = [];
  for (const { node, mode, start, end, epoch } of open.directory.segments()) {
    if (segments.length === segmentsMax) break;
    const name = sessions.find(node)?.name ?? "";
    segments.push({ node, name, mode: mode === Mode.write ? "write" : "read", start, end, epoch });
  }
  const { epoch, waiterCount: waiters, sizeBytes, segmentCount } = open.directory;
  return { name: open.name, sizeBytes, policy: open.file.policy, epoch, waiters, segments, segmentCount };
}

function fileStatus({ name, file, directory, locks }: OpenFile): HomeFileStatus {
  const writers = new Set<number>();
  const readers = new Set<number>();
  for (const { node, mode } of directory.segments()) (mode === Mode.write ? writers : readers).add(node);
  return {
    name,
    isRemoved: file.isRemoved,
    sizeBytes: directory.sizeBytes,
    policy: file.policy,
    nodes: directory.openCount,
    segments: directory.segmentCount,
    readers: readers.size,
    writers: writers.size,
    waiters: directory.waiterCount,
    locks: locks.posix.held.length + locks.flock.held.length,
    locksWaiting: locks.posix.waitingCount + locks.flock.waitingCount,
  };
}

function nodeStatus(session: Session, nowMicros: number): HomeNodeStatus {
  const { connection } = session;
  const heardMicros = Math.max(session.lease.heardMicros, connection?.lastHeardMicros ?? 0);
  let tokens = 0;
  for (const open of session.files.values()) tokens += tokensOf(open, session.node);
  return {
    node: session.node,
    name: session.name,
    address: session.address,
    state: connection === undefined ? "lost" : "connected",
    files: session.files.size,
    tokens,
    lastHeardMillis: (nowMicros - heardMicros) / 1000,
    streamPages: connection?.sender.streamPages ?? 0,
    counters: { ...session.counters },
  };
}

function tokensOf(open: OpenFile, node: number): number {
  let count = 0;
  for (const segment of open.directory.segments()) if (segment.node === node) count++;
  return count;
}
