import assert from "node:assert/strict";
import { test } from "node:test";
import { lacksUserfaultfd } from "../support/requires.js";
import { until } from "../support/until.js";
import { Cluster } from "./cluster.js";
import type { ClusterNode } from "./cluster-node.js";

const skip = lacksUserfaultfd();
const exclusive = { start: 0, length: 100, mode: "exclusive" } as const;

async function stage(nodes: number, leaseMillis = 10_000): Promise<Cluster> {
  const cluster = await Cluster.start({ nodes, leaseMillis });
  for (const node of cluster.nodes) await node.call("open", { name: "file.bin", create: true });
  return cluster;
}

async function locksWaiting(node: ClusterNode, count: number): Promise<void> {
  await until(`${count} locks wait at the home`, async () => {
    const { files } = await node.call("status", {});
    return files[0].locksWaiting === count;
  });
}

test("R16: an exclusive lock excludes other nodes, byte by byte; shared ones go together", { skip }, async () => {
  await using cluster = await stage(2);
  const [one, two] = cluster.nodes;
  await one.call("lock", exclusive);
  const busy = { code: "DMMAP_BUSY" };
  await assert.rejects(two.call("lock", { ...exclusive, wait: false }), busy);
  await assert.rejects(two.call("lock", { start: 99, length: 1, mode: "shared", wait: false }), busy);
  await assert.rejects(two.call("lock", { start: 50, length: 0, mode: "shared", wait: false }), busy);
  await two.call("lock", { ...exclusive, start: 100, wait: false, as: "behind" });
  await two.call("lock", { start: 2 ** 52, length: 0, mode: "exclusive", wait: false, as: "far" });
  await one.call("unlock", {});
  await one.call("lock", { ...exclusive, mode: "shared", as: "shared" });
  await two.call("lock", { ...exclusive, mode: "shared", wait: false, as: "shared" });
  await assert.rejects(one.call("lock", { ...exclusive, wait: false }), busy);
});

test("R16: locks that wait are given in the order of arrival", { skip }, async () => {
  await using cluster = await stage(3);
  const [one, two, three] = cluster.nodes;
  await one.call("lock", exclusive);
  const order: string[] = [];
  const queue = async (node: ClusterNode) => {
    await node.call("lock", exclusive);
    order.push(node.name);
    await node.call("unlock", {});
  };
  const second = queue(two);
  await locksWaiting(one, 1);
  const third = queue(three);
  await locksWaiting(one, 2);
  await one.call("unlock", {});
  await Promise.all([second, third]);
  assert.deepEqual(order, [two.name, three.name]);
});

test("R16: who waits for a lock of another owner on the same node has it when that ends, and may end it", {
  skip,
}, async () => {
  await using cluster = await stage(2);
  const [one, two] = cluster.nodes;
  const busy = { code: "DMMAP_BUSY" };
  for (let round = 0; round < 4; round++) {
    await one.call("lock", { ...exclusive, as: "first" });
    const second = one.call("lock", { ...exclusive, as: "second" });
    await locksWaiting(one, 1);
    await one.call("unlock", { as: "first" });
    await second;
    await assert.rejects(two.call("lock", { ...exclusive, wait: false }), busy);
    await one.call("unlock", { as: "second" });
    await two.call("lock", { ...exclusive, wait: false });
    await two.call("unlock", {});
  }
});

test("R16: a lock that is given up leaves the line", { skip }, async () => {
  await using cluster = await stage(3);
  const [one, two, three] = cluster.nodes;
  await one.call("lock", exclusive);
  await assert.rejects(two.call("lock", { ...exclusive, timeout: 100 }), { code: "DMMAP_TIMEOUT" });
  await locksWaiting(one, 0);
  await one.call("unlock", {});
  await three.call("lock", { ...exclusive, wait: false });
});

test("R16: a node's locks are free when it closes its volume, and after its lease when it is killed", {
  skip,
}, async () => {
  await using cluster = await stage(3, 1000);
  const [one, two, three] = cluster.nodes;
  await one.call("lock", exclusive);
  const second = two.call("lock", exclusive);
  await locksWaiting(three, 1);
  await one.call("closeVolume", {});
  await second;
  const third = three.call("lock", exclusive, 6000);
  await locksWaiting(three, 1);
  two.kill("SIGKILL");
  await third;
});

test("R16: locks order plain stores between nodes", { skip }, async () => {
  await using cluster = await stage(3);
  await cluster.nodes[0].call("truncate", { size: 8192 });
  for (const node of cluster.nodes) await node.call("map", { length: 8192 });
  const rounds = 40;
  await Promise.all(cluster.nodes.map((node) => node.call("countUnderLock", { rounds })));
  assert.equal(await cluster.nodes[0].call("load32", { at: 4096 }), 3 * rounds);
});
