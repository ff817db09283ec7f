import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { lacksUserfaultfd } from "../support/requires.js";
import { until } from "../support/until.js";
import { FaultCluster, pageBytes } from "./fault-cluster.js";
import { FaultNode } from "./fault-node.js";
import { FarNetwork, lacksNamespaces } from "./network.js";

const skip = lacksUserfaultfd() || lacksNamespaces();
const leaseMillis = 1500;
const directions = ["both", "toFar", "fromFar"] as const;

interface Divided extends AsyncDisposable {
  readonly network: FarNetwork;
  readonly cluster: FaultCluster;
  readonly far: FaultNode;
  readonly near: FaultNode;
}

/** A home and a node here, and a node at the far end of a cable. */
async function divided(leaseMillis: number): Promise<Divided> {
  const network = new FarNetwork();
  const cluster = await FaultCluster.start({ nodes: 1, leaseMillis, home: { host: network.host } });
  const far = await FaultNode.start("far", cluster.home.url, {}, network.netns);
  for (const node of [cluster.nodes[0], far]) await node.map("cut.bin", { size: 300 * pageBytes });
  const end = async () => {
    await far[Symbol.asyncDispose]();
    await cluster[Symbol.asyncDispose]();
    network[Symbol.dispose]();
  };
  return { network, cluster, far, near: cluster.nodes[0], [Symbol.asyncDispose]: end };
}

for (const direction of directions) {
  test(`a cut (${direction}) that outlasts the lease: one side goes on, the other waits, and is told what it lost`, {
    skip,
  }, async () => {
    await using parts = await divided(leaseMillis);
    const { network, cluster, far, near } = parts;
    await far.call("store32", { at: 0, value: 1 });
    await far.call("sync", {});
    await far.call("hold", { offset: pageBytes, length: pageBytes, mode: "write" });
    network.cut(direction);
    await far.call("fill", { at: pageBytes, length: pageBytes, value: 7 });
    const start = performance.now();
    assert.equal(await near.call("add32", { at: 0, value: 10 }), 1, "synced before the cut");
    assert.equal(await near.call("add32", { at: pageBytes, value: 5 }), 0, "what the far side alone had");
    assert.ok(performance.now() - start < 2 * leaseMillis + 1000);
    await cluster.home.untilFenced("far");
    // The far side still is alive, and cannot reach anybody: it must not see the old value.
    const late = far.call("load32", { at: 0 });
    assert.equal(await Promise.race([late, delay(300)]), undefined, "it waits");
    network.heal();
    assert.equal(await late, 11);
    await until("it is told", async () => (await far.call("events", {})).some(({ event }) => event === "lost"));
    assert.match(far.errors, /stores to cut\.bin, bytes 4096\.\.8192, are lost/);
    assert.equal(await far.call("load32", { at: pageBytes }), 5);
    await far.call("store32", { at: 0, value: 12 });
    assert.equal(await near.call("load32", { at: 0 }), 12);
    assert.equal(cluster.home.fenced.length, 1);
  });

  test(`a cut (${direction}) that heals within the lease: everybody goes on, nothing is lost`, { skip }, async () => {
    await using parts = await divided(20_000);
    const { network, cluster, far, near } = parts;
    await far.call("fill", { at: 0, length: 200 * pageBytes, value: 1 });
    network.cut(direction);
    await far.call("fill", { at: 100 * pageBytes, length: 100 * pageBytes, value: 2 });
    const asked = near.call("firstUnlike", { at: 100 * pageBytes, length: 100 * pageBytes, value: 2 });
    assert.equal(await Promise.race([asked, delay(500)]), undefined, "the near side waits for the far side's pages");
    network.heal();
    assert.equal(await asked, -1);
    assert.equal(await near.call("firstUnlike", { at: 0, length: 100 * pageBytes, value: 1 }), -1);
    assert.deepEqual(cluster.home.fenced, []);
    await far.end();
    await near.end();
  });
}

test("writes that were on their way when the cut came, and never arrived, are told as lost", { skip }, async () => {
  await using parts = await divided(3000);
  const { network, cluster, far, near } = parts;
  await far.call("fill", { at: 0, length: 4 * pageBytes, value: 1 });
  for (const page of [8, 20]) await far.call("store", { at: page * pageBytes, value: 0 });
  await far.call("sync", {});
  await far.call("store", { at: 6 * pageBytes, value: 9 });
  const before = (await far.call("metrics", {})).writePages;
  await until("it is written back", async () => (await far.call("metrics", {})).writePages > before);
  network.cut();
  await far.call("store", { at: 8 * pageBytes, value: 2 });
  await far.call("store", { at: 20 * pageBytes, value: 2 });
  // Within a second it writes them back, into a socket that leads nowhere: for its cache they are clean now.
  await until("they have been sent", async () => (await far.call("metrics", {})).writePages >= before + 3, 3000);
  await cluster.home.untilFenced("far");
  network.heal();
  assert.equal(await near.call("load", { at: 8 * pageBytes }), 0);
  const lost: number[] = [];
  await until("it is told", async () => {
    const events = (await far.call("events", {})).filter(({ event }) => event === "lost");
    lost.push(...events.map(({ value }) => (value as { offset: number }).offset / pageBytes));
    return lost.includes(20);
  });
  // Page 6 had arrived, but its node may not have heard so yet: then it is told as well.
  assert.deepEqual(
    lost.filter((page) => page !== 6),
    [8, 20],
  );
});

test("a slow network is only slow", { skip }, async () => {
  await using parts = await divided(leaseMillis);
  const { network, cluster, far, near } = parts;
  await near.call("fill", { at: 0, length: 100 * pageBytes, value: 3 });
  network.slow("3mbit");
  assert.equal(await far.call("firstUnlike", { at: 0, length: 100 * pageBytes, value: 3 }), -1);
  assert.deepEqual(cluster.home.fenced, []);
  network.heal();
  await far.end();
  await near.end();
});
