import assert from "node:assert/strict";
import { test } from "node:test";
import { lacksUserfaultfd } from "../support/requires.js";
import { Cluster, pageBytes, policies } from "./cluster.js";

const skip = lacksUserfaultfd();
const gate = 0;
const blockBytes = 508;

for (const policy of policies) {
  for (const ranks of policy === "optimal" ? [2, 3, 6] : [2, 3]) {
    test(`R1, R2: ${ranks} nodes write neighbouring blocks of 508 bytes, all compare (${policy})`, {
      skip,
    }, async () => {
      await using cluster = await Cluster.start({ nodes: ranks });
      // The blocks span a page boundary, and one of them lies across it.
      const at = 2 * pageBytes - blockBytes * Math.floor(ranks / 2) - 100;
      await cluster.mapEverywhere("blocks.bin", { size: 4 * pageBytes, policy });
      const rounds = Math.ceil(240 / ranks);
      const blocks = { ranks, rounds, blockBytes, at, gate };
      const compared = await Promise.all(
        cluster.nodes.map((node, rank) => node.call("shareBlocks", { ...blocks, rank }, 60_000)),
      );
      assert.deepEqual(compared, Array(ranks).fill(ranks * rounds));
      assert.deepEqual(cluster.fenced, []);
      await cluster.end();
    });
  }

  test(`stamp: nobody ever sees two stamps in one page (${policy})`, { skip }, async () => {
    await using cluster = await Cluster.start({ nodes: 3 });
    const pages = 5;
    await cluster.mapEverywhere("stamps.bin", { size: pages * pageBytes, policy });
    const [first, second, third] = cluster.nodes;
    const args = { pages, rounds: 400 };
    const [, , seenHeld, , seenRead] = await Promise.all([
      first.call("stampPages", { ...args, stamp: 1 }),
      second.call("stampPages", { ...args, stamp: 2 }),
      third.call("checkStampsHeld", { ...args, stamp: 0 }),
      second.call("writeStamps", { ...args, stamp: 3 }),
      first.call("checkStampsRead", { ...args, stamp: 0 }),
    ]);
    assert.ok(seenHeld > 1 && seenRead > 1, `the writers were at work: ${seenHeld} and ${seenRead} stamps seen`);
    assert.deepEqual(cluster.fenced, []);
    await cluster.end();
  });
}
