import type { HomeCounters, HomeStatus } from "./status.js";

/** What a home did, each of its counters per second. */
export type HomeRates = Readonly<HomeCounters>;

/** What it did between two looks at it; undefined when it has been started anew meanwhile, or no time has passed. */
export function ratesBetween(before: HomeStatus, after: HomeStatus): HomeRates | undefined {
  const seconds = (after.uptimeMillis - before.uptimeMillis) / 1000;
  if (before.boot !== after.boot || seconds <= 0) return undefined;
  const keys = Object.keys(after.counters) as (keyof HomeCounters)[];
  const rates = keys.map((key) => [key, (after.counters[key] - before.counters[key]) / seconds]);
  return Object.fromEntries(rates) as HomeRates;
}
