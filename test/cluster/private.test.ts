import assert from "node:assert/strict";
import { test } from "node:test";
import { lacksUserfaultfd } from "../support/requires.js";
import { Cluster, pageBytes, policies } from "./cluster.js";

const skip = lacksUserfaultfd();
const size = 4 * pageBytes;

for (const policy of policies) {
  test(`R4: a private map's own pages survive remote writes, its others follow the file (${policy})`, {
    skip,
  }, async () => {
    await using cluster = await Cluster.start();
    const [one, two] = cluster.nodes;
    await one.call("open", { name: "file.bin", create: true, size, policy });
    await one.call("map", { sharing: "private" });
    await two.call("open", { name: "file.bin" });
    await two.call("map", {});
    await two.call("fill", { at: 0, length: size, value: 1 });

    assert.equal(await one.call("firstUnlike", { at: 0, length: size, value: 1 }), -1);
    await one.call("store", { at: pageBytes + 5, value: 99 });
    for (let round = 2; round < 12; round++) {
      await two.call("fill", { at: 0, length: size, value: round });
      assert.equal(await one.call("firstUnlike", { at: 0, length: pageBytes, value: round }), -1, "follows");
      assert.equal(await one.call("load", { at: pageBytes + 5 }), 99, "its own");
      assert.equal(await one.call("load", { at: pageBytes + 6 }), 1, "the whole page is its own, as of the store");
      assert.equal(await one.call("firstUnlike", { at: 2 * pageBytes, length: pageBytes, value: round }), -1);
    }
    assert.equal(await two.call("load", { at: pageBytes + 5 }), 11, "nobody else ever sees a private store");
    await one.call("sync", {});
    await two.call("sync", {});
    assert.equal(
      cluster.onDisk("file.bin").findIndex((byte) => byte !== 11),
      -1,
    );
  });

  // Under "simple" there is no other token.
  if (policy === "optimal")
    test("R4, R12: a first private store takes no write token", { skip }, async () => {
      await using cluster = await Cluster.start();
      const [one, two] = cluster.nodes;
      await cluster.mapEverywhere("file.bin", { size, policy }, { sharing: "private" });
      await one.call("store", { at: 0, value: 7 });
      await two.call("store", { at: 0, value: 8 });
      assert.deepEqual([await one.call("load", { at: 0 }), await two.call("load", { at: 0 })], [7, 8]);
      for (const node of [one, two]) {
        const { wpPageFaults, revokes, writePages } = await node.call("metrics", {});
        assert.deepEqual({ wpPageFaults, revokes, writePages }, { wpPageFaults: 0, revokes: 0, writePages: 0 });
      }
    });

  test(`R5: private pages die by a remote truncate; shrink, then grow shows zeros everywhere (${policy})`, {
    skip,
  }, async () => {
    await using cluster = await Cluster.start({ nodes: 3 });
    const [one, two, three] = cluster.nodes;
    await cluster.mapEverywhere("file.bin", { size, policy });
    await one.call("map", { as: "own", sharing: "private" });
    await two.call("fill", { at: 0, length: size, value: 5 });
    for (const at of [0, pageBytes, 2 * pageBytes + 10, 3 * pageBytes]) {
      await one.call("store", { map: "own", at, value: 77 });
    }
    await three.call("truncate", { size: pageBytes + 100 });
    for (const node of cluster.nodes) assert.equal(await node.call("size", {}), pageBytes + 100);
    await two.call("truncate", { size });
    for (const node of cluster.nodes) {
      const bytes = await node.call("bytes", { at: 0, length: size });
      assert.equal(
        bytes.subarray(0, pageBytes + 100).findIndex((byte) => byte !== 5),
        -1,
        `${node.name}: kept`,
      );
      assert.equal(
        bytes.subarray(pageBytes + 100).findIndex((byte) => byte !== 0),
        -1,
        `${node.name}: zeros`,
      );
    }
    const own = await one.call("bytes", { map: "own", at: 0, length: size });
    assert.equal(own[0], 77, "below the new end it lives on");
    assert.equal(
      own.subarray(2 * pageBytes).findIndex((byte) => byte !== 0),
      -1,
      "beyond it, it died",
    );
    assert.equal(
      cluster
        .onDisk("file.bin")
        .subarray(pageBytes + 100)
        .findIndex((byte) => byte !== 0),
      -1,
    );
  });

  test(`R5: also when it was cut and extended before the private map looked again, many times (${policy})`, {
    skip,
  }, async () => {
    await using cluster = await Cluster.start({ nodes: 2 });
    const [one, two] = cluster.nodes;
    await cluster.mapEverywhere("file.bin", { size, policy });
    await one.call("map", { as: "own", sharing: "private" });
    for (let round = 1; round <= 15; round++) {
      await two.call("fill", { at: 0, length: size, value: round });
      await one.call("fill", { map: "own", at: 0, length: size, value: 200 + round });
      const cut = (round * 1111) % size;
      await two.call("truncate", { size: cut });
      await two.call("truncate", { size });
      const clean = Math.ceil(cut / pageBytes) * pageBytes;
      if (clean < size) {
        assert.equal(await one.call("firstUnlike", { map: "own", at: clean, length: size - clean, value: 0 }), -1);
      }
      assert.equal(await one.call("firstUnlike", { at: cut, length: size - cut, value: 0 }), -1, `round ${round}`);
      if (cut > 0) assert.equal(await one.call("firstUnlike", { at: 0, length: cut, value: round }), -1);
    }
  });
}
