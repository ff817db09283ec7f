import assert from "node:assert/strict";
import { test } from "node:test";
import { lacksUserfaultfd } from "../support/requires.js";
import { Cluster, pageBytes, policies } from "./cluster.js";

const skip = lacksUserfaultfd();
const gate = 0;

for (const policy of policies) {
  for (const nodes of [2, 3]) {
    test(`R1: ${nodes} nodes add to one Int32 (${policy}): every increment counts`, { skip }, async () => {
      await using cluster = await Cluster.start({ nodes });
      await cluster.mapEverywhere("counter.bin", { size: 2 * pageBytes, policy });
      const args = { at: [pageBytes], rounds: 400_000, ranks: nodes, gate };
      const added = await Promise.all(cluster.nodes.map((node) => node.call("addInt32", args)));
      const total = nodes * args.rounds;
      for (const node of cluster.nodes) assert.equal(await node.call("sumInt32", args), total);
      assert.ok(
        added.some(({ handOvers }) => handOvers > 2),
        "the page went between the nodes",
      );
      await checkAfterwards(cluster, total);
    });
  }

  test(`R1: three nodes add to a BigInt64 on each of many pages (${policy})`, { skip }, async () => {
    await using cluster = await Cluster.start({ nodes: 3 });
    await cluster.mapEverywhere("counters.bin", { size: 65 * pageBytes, policy });
    const at = Array.from({ length: 64 }, (_, page) => (page + 1) * pageBytes + 8 * page);
    const args = { at, rounds: policy === "optimal" ? 40 : 200, ranks: 3, gate };
    await Promise.all(cluster.nodes.map((node) => node.call("addBigInt64", args, 60_000)));
    const total = 3 * at.length * args.rounds;
    for (const node of cluster.nodes) assert.equal(await node.call("sumBigInt64", args), total);
    await cluster.end();
    const disk = cluster.onDisk("counters.bin");
    assert.equal(
      at.reduce((sum, offset) => sum + Number(disk.readBigInt64LE(offset)), 0),
      total,
    );
  });
}

/** Through a node that comes later, and on the disk after `sync`. */
async function checkAfterwards(cluster: Cluster, total: number): Promise<void> {
  const fresh = await cluster.add();
  await fresh.call("open", { name: "counter.bin" });
  await fresh.call("map", {});
  assert.equal(await fresh.call("sumInt32", { at: [pageBytes] }), total);
  await cluster.nodes[0].call("sync", {});
  assert.equal(cluster.onDisk("counter.bin").readInt32LE(pageBytes), total);
  await cluster.end();
}
