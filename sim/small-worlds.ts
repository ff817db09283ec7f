import { Mode } from "../src/core/units.js";
import type { SmallWorld } from "./explore.js";
import { largerHomeWorlds } from "./home-worlds.js";
import { back, close, crash, cut, evict, giveBack, hold, load, prefetch, store, truncate, unhold } from "./steps.js";

/** Searched at every test run. */
export const smallWorlds: readonly SmallWorld[] = [
  {
    name: "two nodes store to one page",
    policy: "optimal",
    pages: 1,
    programs: [[[store(0, 11), load(0), store(0, 12)]], [[store(0, 21), load(0), store(0, 22)]]],
  },
  {
    name: "two readers upgrade",
    policy: "optimal",
    pages: 1,
    programs: [[[load(0), store(0, 11), load(0)]], [[load(0), store(0, 21), load(0)]]],
  },
  {
    name: "two nodes and two pages, crosswise",
    policy: "optimal",
    pages: 2,
    programs: [[[store(0, 11), load(1), store(1, 12)]], [[store(1, 21), load(0)]]],
  },
  {
    name: "two threads of one node, one of another",
    policy: "optimal",
    pages: 1,
    programs: [
      [
        [load(0), store(0, 11)],
        [store(0, 12), load(0)],
      ],
      [[store(0, 21), load(0)]],
    ],
  },
  {
    name: "three nodes and one page",
    policy: "optimal",
    pages: 1,
    programs: [[[load(0), store(0, 11)]], [[store(0, 21)]], [[load(0)]]],
  },
  {
    name: "evictions and a page that comes twice",
    policy: "optimal",
    pages: 2,
    programs: [[[store(0, 11), load(1), evict(0), load(0)], [prefetch(0, 2)]], [[store(0, 21)]]],
  },
  {
    name: "what is given back unasked",
    policy: "optimal",
    pages: 1,
    programs: [[[store(0, 11), giveBack(0), load(0), store(0, 12)]], [[load(0), giveBack(0), store(0, 21)]]],
  },
  {
    name: "holds",
    policy: "optimal",
    pages: 2,
    programs: [
      [[hold(Mode.write, 0, 2), store(0, 11), unhold]],
      [[hold(Mode.read, 0, 2), load(0), unhold, store(1, 21)]],
    ],
  },
  {
    name: "holds, below a cache that drops later",
    policy: "optimal",
    pages: 2,
    keepsAbove: true,
    programs: [
      [[hold(Mode.write, 0, 2), store(0, 11), unhold], [store(1, 12)]],
      [[hold(Mode.read, 0, 2), load(0), unhold, store(1, 21)]],
    ],
  },
  {
    name: "a shrink and a growth under two nodes",
    policy: "optimal",
    pages: 2,
    programs: [[[store(1, 11), truncate(1), truncate(2)]], [[load(1), store(1, 21), load(1)]]],
  },
  {
    name: "a node closes while another waits",
    policy: "optimal",
    pages: 1,
    programs: [[[store(0, 11), close]], [[load(0), store(0, 21)]], [[store(0, 31)]]],
  },
  {
    name: "a node crashes at any moment",
    policy: "optimal",
    pages: 1,
    programs: [[[store(0, 11), load(0)], [crash]], [[load(0), store(0, 21), load(0)]]],
  },
  {
    name: "a connection is lost at any moment, and comes back",
    policy: "optimal",
    pages: 1,
    programs: [
      [
        [store(0, 11), store(0, 12)],
        [cut, back],
      ],
      [[store(0, 21), load(0)]],
    ],
  },
  {
    name: "a connection is lost while a size changes",
    policy: "optimal",
    pages: 2,
    programs: [[[store(1, 11)], [cut, back]], [[truncate(1), truncate(2), load(1)]]],
  },
  {
    name: "simple: two nodes and two pages",
    policy: "simple",
    pages: 2,
    programs: [[[store(0, 11), load(1)]], [[store(1, 21), load(0), store(0, 22)]]],
  },
  {
    name: "simple: three nodes",
    policy: "simple",
    pages: 1,
    programs: [[[store(0, 11), load(0)]], [[store(0, 21)]], [[load(0)]]],
  },
  {
    name: "three nodes store to one page and read it",
    policy: "optimal",
    pages: 1,
    programs: [[[store(0, 11), load(0)]], [[load(0), store(0, 21)]], [[store(0, 31), load(0)]]],
  },
  {
    name: "two nodes and two pages, with evictions",
    policy: "optimal",
    pages: 2,
    programs: [
      [[store(0, 11), evict(0), load(1), store(1, 12), load(0)]],
      [[store(1, 21), load(0), evict(0), store(0, 22)]],
    ],
  },
  {
    name: "three nodes, one of which crashes",
    policy: "optimal",
    pages: 1,
    programs: [[[store(0, 11), load(0)], [crash]], [[load(0), store(0, 21)]], [[store(0, 31)]]],
  },
];

/** Searched on demand: minutes, and some gigabytes. */
export const largerWorlds: readonly SmallWorld[] = [
  {
    name: "holds and threads without one",
    policy: "optimal",
    pages: 2,
    programs: [
      [
        [hold(Mode.write, 0, 2), store(0, 11), unhold],
        [load(1), store(1, 12)],
      ],
      [[hold(Mode.read, 0, 2), load(0), unhold], [store(1, 22)]],
    ],
  },
  {
    name: "simple: three nodes and two pages",
    policy: "simple",
    pages: 2,
    programs: [[[store(0, 11), load(1)]], [[store(1, 21), load(0)]], [[load(1), store(0, 31)]]],
  },
  ...largerHomeWorlds,
];
