import assert from "node:assert/strict";
import { test } from "node:test";
import { lacksUserfaultfd } from "../support/requires.js";
import { until } from "../support/until.js";
import { Cluster, pageBytes, policies } from "./cluster.js";
import type { ClusterNode } from "./cluster-node.js";

const skip = lacksUserfaultfd();
const size = 64 * pageBytes;

/** Resolves when the home has so many acquires in line for the file. */
async function waitersAtHome(node: ClusterNode, file: string, waiters: number): Promise<void> {
  await until(`${waiters} waiters for ${file} at the home`, async () => {
    const { files } = await node.call("status", {});
    return files.find(({ name }) => name === file)?.waiters === waiters;
  });
}

for (const policy of policies) {
  test(`a hold keeps others out until it is released (${policy})`, { skip }, async () => {
    await using cluster = await Cluster.start({ nodes: 3 });
    await cluster.mapEverywhere("file.bin", { size, policy });
    const [holder, other, watcher] = cluster.nodes;
    await holder.call("hold", { offset: 0, length: 2 * pageBytes, mode: "write" });
    await holder.call("store", { at: 0, value: 1 });
    let loaded = false;
    const load = other.call("load", { at: 0 }).then((value) => {
      loaded = true;
      return value;
    });
    await waitersAtHome(watcher, "file.bin", 1);
    for (let value = 2; value < 100; value++) {
      await holder.call("store", { at: 0, value });
      await holder.call("store", { at: pageBytes, value });
    }
    assert.equal(loaded, false);
    await holder.call("release", {});
    assert.equal(await load, 99, "all or nothing");
  });

  test(`two nodes that wait for a hold get it in the order in which they came (${policy})`, { skip }, async () => {
    await using cluster = await Cluster.start({ nodes: 4 });
    await cluster.mapEverywhere("file.bin", { size, policy });
    const [holder, first, second, watcher] = cluster.nodes;
    await holder.call("hold", { offset: 0, length: pageBytes, mode: "write" });
    const order: string[] = [];
    const queue = async (node: ClusterNode) => {
      await node.call("hold", { offset: 0, length: pageBytes, mode: "write" });
      order.push(node.name);
      await node.call("add32", { at: 0, value: 1 });
      await node.call("release", {});
    };
    const one = queue(first);
    await waitersAtHome(watcher, "file.bin", 1);
    const two = queue(second);
    await waitersAtHome(watcher, "file.bin", 2);
    await holder.call("release", {});
    await Promise.all([one, two]);
    assert.deepEqual(order, [first.name, second.name]);
    assert.equal(await holder.call("load32", { at: 0 }), 2);
  });

  test(`a hold that is given up is taken back: nobody waits for it any more (${policy})`, { skip }, async () => {
    await using cluster = await Cluster.start({ nodes: 2 });
    await cluster.mapEverywhere("file.bin", { size, policy });
    const [holder, other] = cluster.nodes;
    await holder.call("hold", { offset: 0, length: pageBytes, mode: "write" });
    await assert.rejects(other.call("hold", { offset: 0, length: pageBytes, mode: "write", timeout: 100 }), {
      code: "DMMAP_TIMEOUT",
    });
    await holder.call("store", { at: 0, value: 3 });
    await holder.call("release", {});
    // The other's hold does not come into force behind its back.
    await until("the holder may store again and again", async () => {
      await holder.call("add32", { at: 0, value: 1 });
      return (await other.call("load32", { at: 0 })) >= 5;
    });
    await other.call("hold", { offset: 0, length: pageBytes, mode: "write" });
    await other.call("release", {});
  });
}

test("readers hold a page together, and a writer waits for both", { skip }, async () => {
  await using cluster = await Cluster.start({ nodes: 4 });
  await cluster.mapEverywhere("file.bin", { size });
  const [one, two, writer, watcher] = cluster.nodes;
  await one.call("hold", { offset: 0, length: pageBytes, mode: "read" });
  await two.call("hold", { offset: 0, length: pageBytes, mode: "read" });
  let stored = false;
  const store = writer.call("store", { at: 0, value: 8 }).then(() => {
    stored = true;
  });
  await waitersAtHome(watcher, "file.bin", 1);
  await one.call("release", {});
  assert.equal(await two.call("load", { at: 0 }), 0);
  assert.equal(stored, false);
  await two.call("release", {});
  await store;
  assert.equal(await one.call("load", { at: 0 }), 8);
});

test("what is on hold is touched without a fault that asks the home", { skip }, async () => {
  await using cluster = await Cluster.start({ nodes: 2 });
  await cluster.mapEverywhere("file.bin", { size });
  const [one, two] = cluster.nodes;
  await two.call("fill", { at: 0, length: size, value: 4 });
  await one.call("hold", { offset: 0, length: size, mode: "write" });
  const before = await one.call("metrics", {});
  assert.equal(await one.call("firstUnlike", { at: 0, length: size, value: 4 }), -1);
  await one.call("fill", { at: 0, length: size, value: 5 });
  const after = await one.call("metrics", {});
  assert.deepEqual(
    [after.noPageFaults, after.acquires, after.fetches],
    [before.noPageFaults, before.acquires, before.fetches],
  );
});

test("what was prefetched is touched without a noPage fault", { skip }, async () => {
  await using cluster = await Cluster.start({ nodes: 2 });
  await cluster.mapEverywhere("file.bin", { size: 40 * 1024 * pageBytes });
  const [one, two] = cluster.nodes;
  const length = 3000 * pageBytes;
  await two.call("fill", { at: 0, length, value: 4 });
  await one.call("prefetch", { offset: 0, length, mode: "read" });
  const before = await one.call("metrics", {});
  assert.equal(await one.call("firstUnlike", { at: 0, length, value: 4 }), -1);
  const after = await one.call("metrics", {});
  assert.equal(after.noPageFaults, before.noPageFaults);
  assert.equal(after.acquires, before.acquires);
  await one.call("prefetch", { offset: 0, length, mode: "write" });
  const stored = await one.call("metrics", {});
  await one.call("fill", { at: 0, length, value: 6 });
  assert.equal((await one.call("metrics", {})).acquires, stored.acquires, "the write token is here already");
});

test("a hold dies with its map, its file and its process", { skip }, async () => {
  await using cluster = await Cluster.start({ nodes: 2, leaseMillis: 1000 });
  await cluster.mapEverywhere("file.bin", { size });
  const [one, two] = cluster.nodes;
  await one.call("hold", { offset: 0, length: pageBytes, mode: "write" });
  await one.call("closeFile", {});
  await two.call("store", { at: 0, value: 1 });
  const third = await cluster.add();
  await third.call("open", { name: "file.bin" });
  await third.call("map", {});
  await third.call("hold", { offset: 0, length: pageBytes, mode: "write" });
  third.kill();
  await two.call("store", { at: 0, value: 2 }, 6000);
});
