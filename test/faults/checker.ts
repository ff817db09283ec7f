import type { Access, History } from "./history.js";

/** What is known of the faults, from outside: it decides what the promise leaves open. */
export interface Faults {
  /**
   * A node's session ended by force, at some time from `from` to `until`: what it alone had written by then, and not
   * synced, may be lost. A sync that ended later may have been the next session's, and says nothing of this one.
   */
  readonly fenced?: readonly { readonly process: number; readonly from: number; readonly until: number }[];
  /**
   * A node was stopped beyond its lease: until its pager has run (`until`) its program may see what was true before
   * `from`, and what it stores may be lost.
   */
  readonly blind?: readonly { readonly process: number; readonly from: number; readonly until: number }[];
}

/** All accesses that concern one value of one word: the write that made it, and the reads that saw it. */
interface Cluster {
  readonly value: number;
  readonly write: Access;
  readonly reads: Access[];
}

/** The time in which a value must have been the word's value, or (when `isForward` is false) may have been for an instant. */
interface Zone {
  readonly cluster: Cluster;
  readonly from: number;
  readonly until: number;
  readonly isForward: boolean;
}

/**
 * Decides whether a history is atomic: whether every access can be given an instant between its start and its end such
 * that each read sees the latest write before it. That is the promise (R1): a store completes only after all others have
 * given the page up. It is decided word by word, since a history is atomic if and only if it is for each word (Herlihy and
 * Wing), and atomic histories are sequentially consistent; and since every write has a value of its own it is decided by
 * the zones of Gibbons and Korach (Testing Shared Memories, 1997), without a search: no value is read before its write
 * begins; the spans in which values must have been current do not overlap; and no other value is squeezed into such a span.
 *
 * Independent of the code under test: it knows programs' accesses, and nothing of pages, tokens or epochs.
 *
 * @returns what is wrong, in words; empty when nothing is.
 */
export function check(history: History, faults: Faults = {}): string[] {
  const byKey = new Map<number, Access[]>();
  for (const access of history.accesses) {
    const seen = byKey.get(access.key) ?? [];
    seen.push(access);
    byKey.set(access.key, seen);
  }
  return [...byKey].flatMap(([key, accesses]) => checkWord(key, accesses, history, faults));
}

function checkWord(key: number, all: readonly Access[], history: History, faults: Faults): string[] {
  const accesses = withoutBlind(all, faults);
  const { clusters, problems } = clustersOf(key, accesses);
  if (problems.length > 0) return problems;
  const kept = withoutLost(clusters, history, faults);
  for (const { value, write, reads } of kept) {
    const early = reads.find((read) => read.end < write.start);
    if (early !== undefined) problems.push(`word ${key}: ${show(early)} saw ${value} before ${show(write)} began`);
  }
  return [...problems, ...squeezed(key, kept.map(zoneOf))];
}

/** Reads of a node that was stopped beyond its lease say nothing; its writes may have been lost, or have come late. */
function withoutBlind(accesses: readonly Access[], { blind = [] }: Faults): Access[] {
  const isBlind = (access: Access) =>
    blind.some(({ process, from, until }) => process === access.process && access.end >= from && access.start <= until);
  return accesses.flatMap((access) => {
    if (!isBlind(access)) return [access];
    return access.kind === "read" ? [] : [{ ...access, end: Number.POSITIVE_INFINITY }];
  });
}

function clustersOf(key: number, accesses: readonly Access[]): { clusters: Cluster[]; problems: string[] } {
  const never = Number.NEGATIVE_INFINITY;
  const first: Access = { kind: "write", process: -1, key, value: 0, start: never, end: never };
  const byValue = new Map<number, Cluster>([[0, { value: 0, write: first, reads: [] }]]);
  const problems: string[] = [];
  for (const write of accesses) {
    if (write.kind !== "write") continue;
    if (byValue.has(write.value)) problems.push(`word ${key}: ${write.value} was written twice`);
    byValue.set(write.value, { value: write.value, write, reads: [] });
  }
  for (const read of accesses) {
    if (read.kind !== "read") continue;
    const cluster = byValue.get(read.value);
    if (cluster === undefined) problems.push(`word ${key}: ${show(read)} saw a value that nobody wrote`);
    else cluster.reads.push(read);
  }
  return { clusters: [...byValue.values()], problems };
}

/**
 * Leaves out the values that may be lost without a broken promise: of writes that never ended and that nobody saw, and of
 * fenced nodes, if nobody else ever saw it and no `sync` covered it.
 */
function withoutLost(clusters: readonly Cluster[], { syncs }: History, { fenced = [] }: Faults): Cluster[] {
  return clusters.filter(({ write, reads }) => {
    const { process } = write;
    if (reads.length === 0 && write.end === Number.POSITIVE_INFINITY) return false;
    if (reads.some((read) => read.process !== process)) return true;
    const fence = fenced.find((fence) => fence.process === process && write.start <= fence.until);
    if (fence === undefined) return true;
    return syncs.some((sync) => sync.process === process && sync.start >= write.end && sync.end <= fence.from);
  });
}

function zoneOf(cluster: Cluster): Zone {
  const accesses = [cluster.write, ...cluster.reads];
  const firstEnd = accesses.reduce((least, { end }) => Math.min(least, end), Number.POSITIVE_INFINITY);
  const lastStart = accesses.reduce((most, { start }) => Math.max(most, start), Number.NEGATIVE_INFINITY);
  const isForward = firstEnd < lastStart;
  return { cluster, isForward, from: Math.min(firstEnd, lastStart), until: Math.max(firstEnd, lastStart) };
}

function squeezed(key: number, zones: readonly Zone[]): string[] {
  const forward = zones.filter(({ isForward }) => isForward).sort((one, other) => one.from - other.from);
  const problems: string[] = [];
  for (let index = 1; index < forward.length; index++) {
    const [one, other] = [forward[index - 1], forward[index]];
    if (other.from < one.until) problems.push(conflict(key, one, other));
  }
  for (const zone of zones) {
    if (zone.isForward) continue;
    const around = lastBefore(forward, zone.from);
    if (around !== undefined && around.from < zone.from && zone.until < around.until) {
      problems.push(conflict(key, around, zone));
    }
  }
  return problems;
}

/** The forward zone that began last before this time. When they do not overlap, no other can contain the time. */
function lastBefore(forward: readonly Zone[], time: number): Zone | undefined {
  let [low, high] = [0, forward.length];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (forward[middle].from < time) low = middle + 1;
    else high = middle;
  }
  return forward[low - 1];
}

function conflict(key: number, one: Zone, other: Zone): string {
  const last = [one.cluster.write, ...one.cluster.reads].reduce((a, b) => (b.start > a.start ? b : a));
  const first = [other.cluster.write, ...other.cluster.reads].reduce((a, b) => (b.end < a.end ? b : a));
  return `word ${key}: ${show(first)} is followed by ${show(last)}: the one value must come before the other, and after it`;
}

function show({ kind, process, value, start, end }: Access): string {
  return `${kind} ${value} by ${process} at ${Math.round(start)}..${Math.round(end)}`;
}
