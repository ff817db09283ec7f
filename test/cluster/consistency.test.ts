import assert from "node:assert/strict";
import { test } from "node:test";
import { lacksUserfaultfd } from "../support/requires.js";
import { Cluster, pageBytes, policies } from "./cluster.js";

const skip = lacksUserfaultfd();
const gate = 0;
const x = pageBytes;
const y = 2 * pageBytes;

for (const policy of policies) {
  test(`a value read on one node is never older on another afterwards (${policy})`, { skip }, async () => {
    await using cluster = await Cluster.start({ nodes: 3 });
    await cluster.mapEverywhere("counter.bin", { size: 3 * pageBytes, policy });
    const args = { ranks: 3, rounds: 150, gate, x, y };
    await Promise.all(cluster.nodes.map((node, rank) => node.call("watchCounter", { ...args, rank })));
    await cluster.end();
  });

  test(`R4: nor through a private map of pages that were not written (${policy})`, { skip }, async () => {
    await using cluster = await Cluster.start({ nodes: 3 });
    await cluster.mapEverywhere("counter.bin", { size: 3 * pageBytes, policy });
    for (const node of cluster.nodes) await node.call("map", { as: "eyes", sharing: "private" });
    const args = { ranks: 3, rounds: 150, gate, x, y };
    await Promise.all(
      cluster.nodes.map((node, rank) =>
        node.call("watchCounter", { ...args, rank, ...(rank === 2 ? { eyes: "eyes" } : {}) }),
      ),
    );
    await cluster.end();
  });

  test(`what a node was told of by other means, it sees (${policy})`, { skip }, async () => {
    await using cluster = await Cluster.start({ nodes: 3 });
    await cluster.mapEverywhere("counter.bin", { size: 3 * pageBytes, policy });
    for (const node of cluster.nodes) await node.call("map", { as: "eyes", sharing: "private" });
    for (let round = 0; round < 120; round++) {
      const writer = cluster.nodes[round % 3];
      const reader = cluster.nodes[(round + 1) % 3];
      assert.equal(await writer.call("add32", { at: x, value: 1 }), round);
      assert.equal(await reader.call("load32", { at: x, map: round % 2 === 0 ? "main" : "eyes" }), round + 1);
      const read = await reader.call("read", { offset: x, length: 4 });
      assert.equal(Buffer.from(read).readInt32LE(), round + 1, "read() agrees with the maps");
    }
  });
}

test("R1: store buffering: two nodes never both miss the other's store", { skip }, async () => {
  await using cluster = await Cluster.start({ nodes: 2 });
  await cluster.mapEverywhere("litmus.bin", { size: 3 * pageBytes });
  const args = { ranks: 2, rounds: 300, gate, x, y };
  const [one, two] = await Promise.all(
    cluster.nodes.map((node, rank) => node.call("storeThenLoad", { ...args, rank }, 60_000)),
  );
  const found = new Set([...one, ...two]);
  for (let round = 1; round <= args.rounds; round++) assert.ok(found.has(round), `round ${round}: both found nothing`);
});

test("R1: two readers never disagree on the order of two nodes' stores", { skip }, async () => {
  await using cluster = await Cluster.start({ nodes: 4 });
  await cluster.mapEverywhere("litmus.bin", { size: 3 * pageBytes });
  const args = { ranks: 4, rounds: 50, gate, x, y };
  const [, , one, two] = await Promise.all(
    cluster.nodes.map((node, rank) => node.call("readWrites", { ...args, rank }, 60_000)),
  );
  for (let round = 0; round < args.rounds; round++) {
    const oneSawXFirst = one[round][0] && !one[round][1];
    const twoSawYFirst = two[round][0] && !two[round][1];
    assert.ok(!(oneSawXFirst && twoSawYFirst), `round ${round}: x before y and y before x`);
  }
});
