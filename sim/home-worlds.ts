import { Mode } from "../src/core/units.js";
import type { HomeStep, SmallWorld } from "./explore.js";
import { close, crash, cut, evict, flush, hold, load, store, sync, truncate, unhold } from "./steps.js";

const death: readonly HomeStep[] = ["dies", "returns"];
const powerLoss: readonly HomeStep[] = ["losesPower", "returns"];

/** Searched at every test run: worlds whose home goes away at any moment, and comes back. */
export const homeWorlds: readonly SmallWorld[] = [
  {
    name: "the home dies under a writer and a reader",
    policy: "optimal",
    pages: 1,
    home: death,
    programs: [[[store(0, 11), store(0, 12)]], [[load(0), load(0)]]],
  },
  {
    name: "the home loses its power under a writer and a reader",
    policy: "optimal",
    pages: 1,
    home: powerLoss,
    programs: [[[store(0, 11), sync]], [[load(0)]]],
  },
  {
    name: "the home dies under two writers, one of whom has synced",
    policy: "optimal",
    pages: 1,
    home: death,
    programs: [[[store(0, 11), sync]], [[store(0, 21), flush]]],
  },
  {
    name: "the home loses its power under two writers and an eviction",
    policy: "optimal",
    pages: 1,
    home: powerLoss,
    programs: [[[store(0, 11), evict(0)]], [[store(0, 21)]]],
  },
  {
    name: "the home and a node die",
    policy: "optimal",
    pages: 1,
    home: death,
    programs: [[[store(0, 11)], [crash]], [[store(0, 21)]]],
  },
  {
    name: "the home loses its power and a node dies",
    policy: "optimal",
    pages: 1,
    home: powerLoss,
    programs: [[[store(0, 11)], [crash]], [[load(0)]]],
  },
  {
    name: "the home dies and a connection is cut",
    policy: "optimal",
    pages: 1,
    home: death,
    programs: [[[store(0, 11)], [cut]], [[store(0, 21)]]],
  },
  {
    name: "the home dies twice",
    policy: "optimal",
    pages: 1,
    home: [...death, ...death],
    programs: [[[store(0, 11)]], [[load(0)]]],
  },
  {
    name: "the home dies while a size changes",
    policy: "optimal",
    pages: 1,
    home: death,
    programs: [[[store(0, 11), truncate(0)]], [[load(0)]]],
  },
  {
    name: "the home dies under a hold",
    policy: "optimal",
    pages: 1,
    home: death,
    programs: [[[hold(Mode.write, 0, 1), store(0, 11), unhold]], [[load(0)]]],
  },
  {
    name: "the home dies while a node closes",
    policy: "optimal",
    pages: 1,
    home: death,
    programs: [[[store(0, 11), close]], [[load(0)]]],
  },
  {
    name: "simple: the home dies under two pages",
    policy: "simple",
    pages: 2,
    home: death,
    programs: [[[store(0, 11)]], [[store(1, 21)]]],
  },
  {
    name: "the home loses its power under two pages",
    policy: "optimal",
    pages: 2,
    home: powerLoss,
    programs: [[[store(0, 11)]], [[store(1, 21), load(0)]]],
  },
];

/** Searched on demand. */
export const largerHomeWorlds: readonly SmallWorld[] = [
  {
    name: "the home dies under three nodes",
    policy: "optimal",
    pages: 1,
    home: death,
    programs: [[[store(0, 11)]], [[store(0, 21)]], [[load(0)]]],
  },
];
