import type { HomeCounters, HomeNodeCounters, HomeStatus } from "./status.js";

/** What a home did, each of its counters per second. */
export type HomeRates = Readonly<HomeCounters>;
/** What it did with each of its nodes, by the node's number. */
export type NodeRates = ReadonlyMap<number, Readonly<HomeNodeCounters>>;

/** What it did between two looks at it; undefined when it has been started anew meanwhile, or no time has passed. */
export function ratesBetween(before: HomeStatus, after: HomeStatus): HomeRates | undefined {
  const seconds = secondsBetween(before, after);
  return seconds === undefined ? undefined : rates(before.counters, after.counters, seconds);
}

/** The same of each node that was there at both looks. */
export function nodeRatesBetween(before: HomeStatus, after: HomeStatus): NodeRates {
  const seconds = secondsBetween(before, after);
  if (seconds === undefined) return new Map();
  const formerly = new Map(before.nodes.map(({ node, counters }) => [node, counters]));
  return new Map(
    after.nodes.flatMap(({ node, counters }) => {
      const former = formerly.get(node);
      return former === undefined ? [] : [[node, rates(former, counters, seconds)]];
    }),
  );
}

function secondsBetween(before: HomeStatus, after: HomeStatus): number | undefined {
  const seconds = (after.uptimeMillis - before.uptimeMillis) / 1000;
  return before.boot !== after.boot || seconds <= 0 ? undefined : seconds;
}

function rates<Key extends string>(
  before: Readonly<Record<Key, number>>,
  after: Readonly<Record<Key, number>>,
  seconds: number,
): Record<Key, number> {
  const keys = Object.keys(after) as Key[];
  return Object.fromEntries(keys.map((key) => [key, (after[key] - before[key]) / seconds])) as Record<Key, number>;
}
