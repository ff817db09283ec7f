import assert from "node:assert/strict";
import { test } from "node:test";
import { lacksUserfaultfd } from "../support/requires.js";
import { Cluster, pageBytes, policies } from "./cluster.js";
import { Random } from "./random.js";
import type { Step } from "./workloads/mixed.js";

const skip = lacksUserfaultfd();
const pages = 24;
/** One seed to run again, or a new one each time. */
const seed = Number(process.env.DMMAP_SEED ?? Math.floor(Math.random() * 2 ** 31));

for (const policy of policies) {
  test(`steps of all kinds on all nodes agree with one file in memory (${policy}, DMMAP_SEED=${seed})`, {
    skip,
  }, async () => {
    const random = new Random(seed);
    await using cluster = await Cluster.start({ nodes: 3, connect: { cacheBytes: 16 * 1024 ** 2 } });
    await cluster.mapEverywhere("file.bin", { size: pages * pageBytes, policy });
    for (const node of cluster.nodes) await node.call("map", { as: "private", sharing: "private" });
    const reference = new Uint8Array(pages);
    let end = pages;
    for (let index = 0; index < 500; index++) {
      const node = cluster.nodes[random.below(3)];
      const step = drawStep(random);
      const seen = await node.call("step", { step: step.act === "write" && step.page >= end ? { act: "sync" } : step });
      if (step.act === "truncate") {
        end = step.pages;
        reference.fill(0, end);
      } else if ("value" in step) {
        if (step.page < end) reference[step.page] = step.value;
      } else if ("page" in step) {
        const expected = step.page < end ? reference[step.page] : step.act === "read" ? -1 : undefined;
        // Beyond the end a map keeps what its own node stored there; nobody else sees it, and it is gone after a resize.
        if (expected !== undefined) assert.equal(seen, expected, `DMMAP_SEED=${seed} step ${index} of ${node.name}`);
      }
    }
    for (const node of cluster.nodes) await node.call("sync", {});
    const disk = cluster.onDisk("file.bin");
    assert.equal(disk.length, end * pageBytes);
    for (let page = 0; page < end; page++) {
      const content = disk.subarray(page * pageBytes, (page + 1) * pageBytes);
      assert.equal(
        content.findIndex((byte) => byte !== reference[page]),
        -1,
        `DMMAP_SEED=${seed} page ${page} on disk`,
      );
    }
  });

  test(`under locks, pages and a ledger of them always agree (${policy}, DMMAP_SEED=${seed})`, { skip }, async () => {
    await using cluster = await Cluster.start({ nodes: 3 });
    await cluster.mapEverywhere("file.bin", { size: pages * pageBytes, policy });
    await cluster.mapEverywhere("ledger.bin", { size: pages * 8, policy }, {}, "ledger");
    const done = await Promise.all(
      cluster.nodes.map((node, rank) => node.call("keepLedger", { seed: seed + rank, pages, steps: 120 }, 60_000)),
    ).catch((error: unknown) => {
      throw new Error(`DMMAP_SEED=${seed}: ${String(error)}`, { cause: error });
    });
    assert.deepEqual(done, [120, 120, 120]);
    await cluster.nodes[0].call("checkLedger", { pages });
    await cluster.end();
  });
}

function drawStep(random: Random): Step {
  const page = random.below(pages);
  const value = 1 + random.below(255);
  const drawn = random.below(100);
  if (drawn < 15) return { act: "store", page, value };
  if (drawn < 25) return { act: "write", page, value };
  if (drawn < 35) return { act: "holdStore", page, value };
  if (drawn < 55) return { act: "load", page };
  if (drawn < 65) return { act: "read", page };
  if (drawn < 75) return { act: "holdLoad", page };
  if (drawn < 88) return { act: "privateLoad", page };
  if (drawn < 97) return { act: "truncate", pages: random.below(3) === 0 ? pages : 1 + random.below(pages) };
  return { act: "sync" };
}
