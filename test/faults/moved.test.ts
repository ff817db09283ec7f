import assert from "node:assert/strict";
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { connect } from "../../src/index.js";
import { lacksUserfaultfd } from "../support/requires.js";
import { FaultCluster, pageBytes } from "./fault-cluster.js";

const skip = lacksUserfaultfd();
const other = Buffer.alloc(4 * pageBytes, 5);

/** What becomes of `a.bin`, which is elsewhere afterwards, while another file has its name. */
const moves: readonly (readonly [string, string, (cluster: FaultCluster) => Promise<void>])[] = [
  [
    "another node has renamed it",
    "b.bin",
    async ({ home, folder }) => {
      await using volume = await connect(home.url);
      await volume.rename("a.bin", "b.bin");
      await home.kill();
      writeFileSync(folder.at("a.bin"), other);
    },
  ],
  [
    "another tool has moved it while the home was away",
    "kept/deep/b.bin",
    async ({ home, folder }) => {
      await home.kill();
      renameSync(folder.at("folder"), folder.at("kept/deep"));
      renameSync(folder.at("a.bin"), folder.at("kept/deep/b.bin"));
      writeFileSync(folder.at("a.bin"), other);
    },
  ],
];

for (const [how, now, move] of moves) {
  test(`R20: a file is the same after its home's restart, whatever its name leads to now: ${how}`, {
    skip,
  }, async () => {
    await using cluster = await FaultCluster.start({ nodes: 1, leaseMillis: 20_000 });
    const [node] = cluster.nodes;
    await using volume = await connect(cluster.home.url);
    for (const path of ["folder", "kept"]) await volume.mkdir(path);
    await cluster.mapEverywhere("a.bin", { size: 4 * pageBytes });
    await node.call("store32", { at: 2 * pageBytes, value: 7 });
    await move(cluster);
    await cluster.home.start();
    await node.call("sync", {});
    await node.call("store32", { at: 3 * pageBytes, value: 8 });
    await node.call("closeFile", {});
    assert.deepEqual(cluster.onDisk("a.bin"), other, "the other file is left alone");
    const disk = cluster.onDisk(now);
    assert.deepEqual([disk.readInt32LE(2 * pageBytes), disk.readInt32LE(3 * pageBytes)], [7, 8]);
    await node.end();
  });
}

test("R20: where it is nowhere, and another file has its name, its stores are lost and said to be, and that file is left alone", {
  skip,
}, async () => {
  await using cluster = await FaultCluster.start({ nodes: 1, leaseMillis: 20_000 });
  const [node] = cluster.nodes;
  await cluster.mapEverywhere("a.bin", { size: 4 * pageBytes });
  await node.call("store32", { at: 2 * pageBytes, value: 7 });
  await cluster.home.kill();
  rmSync(cluster.folder.at("a.bin"));
  writeFileSync(cluster.folder.at("a.bin"), other);
  await cluster.home.start();
  const codes: unknown[] = []; // A sync may wait already when the file turns out gone.
  for (let count = 0; count < 3; count++) {
    codes.push((await node.call("giveUp", { call: "sync", timeout: 10_000 })).code);
  }
  assert.deepEqual(codes.map(String).toSorted(), ["DMMAP_LOST", "DMMAP_STALE", "DMMAP_STALE"]);
  await node.call("closeFile", {});
  assert.deepEqual(cluster.onDisk("a.bin"), other);
  await node.end();
});
