import assert from "node:assert/strict";
import { test } from "node:test";
import { ratesBetween } from "../../src/observe/rates.js";
import { type HomeStatus, newHomeCounters } from "../../src/observe/status.js";

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
