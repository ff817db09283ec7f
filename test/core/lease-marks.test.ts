import assert from "node:assert/strict";
import { test } from "node:test";
import { type LeaseKey, LeaseTable } from "../../src/core/home/lease-table.js";

/** A table, and whom it asked what. */
function tableOf(leasesMax: number) {
  const asked: { node: number; recall: number; keys: readonly LeaseKey[] }[] = [];
  const leases = new LeaseTable({ recall: (node, recall, keys) => asked.push({ node, recall, keys }) }, leasesMax);
  return { leases, asked };
}

test("I19: what a node is being asked to forget is not told to it on a lease", () => {
  const { leases, asked } = tableOf(4);
  for (const key of [1, 2, 3, 4]) assert.ok(leases.grant(7, key));
  assert.equal(leases.grant(7, 5), false, "it has as many as it may");
  assert.deepEqual(asked, [{ node: 7, recall: 1, keys: [1] }]);
  assert.equal(leases.grant(7, 1), false);
  assert.equal(leases.grant(7, 2), true, "what it may keep");
  assert.equal(leases.grant(8, 1), true, "another node is not asked to forget it");
  leases.acknowledged(7, 1);
  assert.equal(leases.has(7, 1), false);
  assert.ok(leases.grant(7, 5));
});

test("I19: of two changes of the same that wait, the end of one leaves the other's mark", () => {
  const { leases } = tableOf(10);
  leases.grant(1, 10);
  let changes = 0;
  for (const by of [2, 3]) {
    leases.change(
      by,
      () => [10],
      () => changes++,
    );
  }
  leases.cancel(2);
  assert.equal(leases.waitingCount, 1);
  assert.equal(leases.grant(4, 10), false);
  leases.acknowledged(1, 1);
  assert.equal(changes, 1);
  assert.equal(leases.grant(4, 10), true);
});

test("I19: who has changed something goes by nothing of what it knew", () => {
  const { leases, asked } = tableOf(10);
  leases.grant(1, 10);
  leases.grant(1, 11);
  leases.drop(1, [10]);
  assert.ok(!leases.has(1, 10) && leases.has(1, 11));
  leases.change(
    2,
    () => [10],
    () => undefined,
  );
  assert.deepEqual(asked, []);
});

test("memory follows the leases that there are", () => {
  const { leases } = tableOf(1000);
  for (let node = 1; node <= 20; node++) for (let key = 0; key < 50; key++) leases.grant(node, key);
  assert.deepEqual([leases.keyCount, leases.nodeCount], [50, 20]);
  for (let node = 1; node <= 10; node++) leases.forget(node);
  for (let node = 11; node <= 20; node++)
    leases.drop(
      node,
      Array.from({ length: 50 }, (_, key) => key),
    );
  assert.deepEqual([leases.keyCount, leases.nodeCount], [0, 0]);
});
