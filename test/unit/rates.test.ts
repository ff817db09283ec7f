import assert from "node:assert/strict";
import { test } from "node:test";
import { nodeRatesBetween, ratesBetween } from "../../src/observe/rates.js";
import {
  type HomeNodeStatus,
  type HomeStatus,
  newHomeCounters,
  newHomeNodeCounters,
} from "../../src/observe/status.js";

function statusAt(uptimeMillis: number, counters: Partial<HomeStatus["counters"]>, boot = "boot"): HomeStatus {
  return {
    boot,
    pid: 1,
    url: "dmmap://127.0.0.1:7400",
    store: "memory",
    leaseMillis: 10_000,
    uptimeMillis,
    memory: { residentBytes: 0, heapBytes: 0 },
    refusedBytes: 0,
    counters: { ...newHomeCounters(), ...counters },
    files: [],
    openFiles: 0,
    nodes: [],
    nodeCount: 0,
    fencings: [],
  };
}

test("rates are per second of the home's own time", () => {
  const rates = ratesBetween(statusAt(1000, { grants: 10 }), statusAt(3000, { grants: 30, locks: 5 }));
  assert.equal(rates?.grants, 10);
  assert.equal(rates?.locks, 2.5);
  assert.equal(rates?.requests, 0);
});

test("a home that has been started anew has no rates yet, nor has one moment", () => {
  assert.equal(ratesBetween(statusAt(1000, {}), statusAt(2000, {}, "another")), undefined);
  assert.equal(ratesBetween(statusAt(1000, {}), statusAt(1000, {})), undefined);
});

test("a node has rates when it was there at both looks", () => {
  const node = (number: number, acquires: number): HomeNodeStatus => ({
    node: number,
    name: "",
    address: "",
    state: "connected",
    files: 0,
    tokens: 0,
    lastHeardMillis: 0,
    streamPages: 0,
    counters: { ...newHomeNodeCounters(), acquires },
  });
  const before = { ...statusAt(1000, {}), nodes: [node(1, 10), node(2, 20)] };
  const rates = nodeRatesBetween(before, { ...statusAt(3000, {}), nodes: [node(2, 25), node(3, 30)] });
  assert.deepEqual([...rates], [[2, { ...newHomeNodeCounters(), acquires: 2.5 }]]);
  assert.equal(nodeRatesBetween(before, { ...before, boot: "another" }).size, 0);
});
