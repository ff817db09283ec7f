import assert from "node:assert/strict";
import { test } from "node:test";
import { lacksUserfaultfd } from "../support/requires.js";
import { Cluster, pageBytes, policies } from "./cluster.js";

const skip = lacksUserfaultfd();

for (const policy of policies) {
  test(`threads of several processes add to the same counters (${policy})`, { skip }, async () => {
    await using cluster = await Cluster.start({ nodes: 2 });
    await cluster.mapEverywhere("counters.bin", { size: 4 * pageBytes, policy });
    const at = [0, 64, pageBytes, 3 * pageBytes + 8];
    const args = { threads: 3, at, rounds: 20_000 };
    const added = await Promise.all(cluster.nodes.map((node) => node.call("addInThreads", args, 60_000)));
    const total = added.reduce((sum, count) => sum + count, 0);
    for (const node of cluster.nodes) assert.equal(await node.call("sumInt32", { at }), total);
    await cluster.end();
    assert.equal(
      at.reduce((sum, offset) => sum + cluster.onDisk("counters.bin").readInt32LE(offset), 0),
      total,
    );
  });
}

test("a map that is closed under its threads gives them zeros, and the file keeps what they stored", {
  skip,
}, async () => {
  await using cluster = await Cluster.start({ nodes: 2 });
  await cluster.mapEverywhere("counters.bin", { size: pageBytes });
  const [one, two] = cluster.nodes;
  await one.call("leaveThreadsRunning", { threads: 2, at: [0], rounds: 1e9 });
  const seen = await two.call("load32", { at: 0 });
  await one.call("closeMap", {});
  const after = await two.call("load32", { at: 0 });
  assert.ok(after >= seen);
  assert.equal(await two.call("load32", { at: 0 }), after, "nothing comes from the closed map");
  await one.call("map", { as: "again" });
  assert.equal(await one.call("load32", { map: "again", at: 0 }), after);
});
