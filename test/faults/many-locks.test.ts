import assert from "node:assert/strict";
import { test } from "node:test";
import { heldLocksMax } from "../../src/core/wire/tree-requests.js";
import { lacksUserfaultfd } from "../support/requires.js";
import { until } from "../support/until.js";
import { FaultCluster, pageBytes } from "./fault-cluster.js";
import { Proxy } from "./proxy.js";

const skip = lacksUserfaultfd();
/** What a node says of so many does not go into one frame. */
const count = 3500;
const callMillis = 60_000;

test("R16: a node with thousands of locks says what it holds: asked back, after cuts, to a home that was killed", {
  skip,
}, async () => {
  await using cluster = await FaultCluster.start({ nodes: 0, leaseMillis: 5000 });
  await using proxy = await Proxy.start(() => cluster.home.port);
  const one = await cluster.add({}, proxy.url);
  const two = await cluster.add();
  await cluster.mapEverywhere("locked.bin", { size: pageBytes });
  await one.call("lockMany", { count }, callMillis);
  const assertAllHeld = async (held: number) => {
    assert.equal(await two.call("countLockable", { count }, callMillis), count - held);
    assert.equal((await cluster.home.status()).counters.protocolErrors, 0);
  };

  await two.call("lock", { start: 10 * count, length: 1, mode: "exclusive", as: "free" });
  await assert.rejects(two.call("lock", { start: 5, length: 10, mode: "shared", wait: false }), { code: "DMMAP_BUSY" });
  let isLocked = false;
  const waiting = two.call("lock", { start: 20, length: 1, mode: "exclusive", as: "waited" }).then(() => {
    isLocked = true;
  });
  await until("it waits", async () => (await cluster.home.status()).files.some(({ locksWaiting }) => locksWaiting > 0));
  assert.equal(isLocked, false);
  await one.call("unlock", { as: "byte 20" });
  await waiting;
  await two.call("unlock", { as: "waited" });
  await two.call("unlock", { as: "free" });
  await assertAllHeld(count - 1);

  // The next two end in the middle of what it says.
  proxy.faults.push({ cutUpAfter: 150_000 }, { cutUpAfter: 300_000 });
  proxy.cut();
  await until("it is back", () => proxy.faults.length === 0);
  await assertAllHeld(count - 1);

  await cluster.home.restart();
  await assertAllHeld(count - 1);
  await one.call("unlock", { as: "byte 0" });
  await assertAllHeld(count - 2);
  assert.deepEqual(cluster.home.fenced, []);
  await cluster.end();
});

test("R16: a node that holds as many locks as it may is refused the next, and is in nobody's way elsewhere", {
  skip,
}, async () => {
  await using cluster = await FaultCluster.start({ nodes: 2 });
  await cluster.mapEverywhere("full.bin", { size: pageBytes });
  const [one, two] = cluster.nodes;
  await one.call("lockMany", { count: heldLocksMax }, 2 * callMillis);
  const behind = { start: 10 * heldLocksMax, length: 1, mode: "exclusive" } as const;
  await assert.rejects(one.call("lock", behind), { code: "DMMAP_BUSY", message: /16384 locks/ });
  await two.call("lock", behind, callMillis);
  await one.call("unlock", { as: "byte 0" });
  await two.call("lock", { start: 0, length: 1, mode: "exclusive", wait: false });
  await one.call("lock", { ...behind, start: behind.start + 1, as: "another" });
});
