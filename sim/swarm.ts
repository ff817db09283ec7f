import type { Policy } from "../src/core/units.js";
import type { Random } from "./random.js";

/**
 * What exists in one run. The seed draws it: a run with few kinds of events goes deeper into each than one that has all of
 * them, and finds what the others would drown out.
 */
export interface Swarm {
  readonly policy: Policy;
  readonly nodes: number;
  readonly threads: number;
  readonly pages: number;
  readonly pagesMax: number;
  readonly chunkPages: number;
  readonly steps: number;
  /** How often a thread that has nothing to do begins something, in relation to deliveries. */
  readonly eagerness: number;
  /** Part of loads and stores that store. */
  readonly stores: number;
  /** Loads and stores go to few pages, or walk through the file. */
  readonly hotPages: number;
  readonly sequential: boolean;
  readonly holds: boolean;
  readonly prefetches: boolean;
  readonly truncates: boolean;
  readonly givesBack: boolean;
  readonly evicts: boolean;
  readonly flushes: boolean;
  readonly syncs: boolean;
  readonly closes: boolean;
  readonly crashes: boolean;
  /** Connections are lost, and come back within the lease. */
  readonly cuts: boolean;
  /** Infinity: no lease ever runs out, and no connection comes back by itself. */
  readonly leaseMicros: number;
  readonly homeCrashes: boolean;
  readonly powerFails: boolean;
  /** SIGSTOP and SIGCONT. */
  readonly stops: boolean;
  /** The network is cut without anybody hearing so, one way or both. */
  readonly partitions: boolean;
  /** Clocks differ by what is allowed for, or jump beyond it. */
  readonly drifts: boolean;
  readonly jumps: boolean;
  /** Pages that a connection takes before it is full; Infinity for one that never is. */
  readonly room: number;
  readonly hidesProgress: number;
  readonly failsRead: number;
  readonly refusesSize: number;
  /** Nodes that are slow: their queues move this much less often. */
  readonly slowNodes: number;
  /** Microseconds of a step. */
  readonly stepMicros: number;
}

export function drawSwarm(random: Random): Swarm {
  const pages = random.pick([1, 2, 3, 6, 10]);
  const truncates = random.chance(0.4);
  const leases = random.chance(0.6);
  const stepMicros = leases ? random.pick([100, 300, 1000]) : random.pick([1, 10, 300]);
  const has = (probability: number): boolean => random.chance(probability);
  return {
    policy: has(0.25) ? "simple" : "optimal",
    nodes: random.pick([2, 2, 3, 3, 4]),
    threads: random.pick([1, 2, 3]),
    pages,
    pagesMax: truncates ? pages + 3 : pages,
    chunkPages: random.pick([1, 2, 4]),
    steps: random.pick([100, 200, 400, 600]),
    eagerness: random.pick([0.5, 1, 3]),
    stores: random.pick([0.1, 0.5, 0.9]),
    hotPages: random.pick([1, 2, pages]),
    sequential: has(0.3),
    holds: has(0.4),
    prefetches: has(0.3),
    truncates,
    givesBack: has(0.2),
    evicts: has(0.4),
    flushes: has(0.3),
    syncs: has(0.5),
    leaseMicros: leases ? stepMicros * random.pick([60, 200, 600]) : Number.POSITIVE_INFINITY,
    homeCrashes: leases && has(0.6),
    powerFails: has(0.6),
    stops: leases && has(0.3),
    partitions: leases && has(0.3),
    drifts: leases && has(0.5),
    jumps: leases && has(0.1),
    closes: has(0.3),
    crashes: has(0.2),
    cuts: has(0.25),
    room: has(0.3) ? random.pick([1, 2, 5]) : Number.POSITIVE_INFINITY,
    hidesProgress: has(0.3) ? random.pick([0.3, 0.9]) : 0,
    failsRead: !leases && has(0.15) ? 0.1 : 0,
    refusesSize: has(0.2) ? 0.3 : 0,
    slowNodes: random.pick([0, 0, 0.7, 0.95]),
    stepMicros,
  };
}
