import assert from "node:assert/strict";
import { test } from "node:test";
import { lacksUserfaultfd } from "../support/requires.js";
import { Cluster, pageBytes, policies } from "./cluster.js";

const skip = lacksUserfaultfd();
const pages = 6;
const size = pages * pageBytes;

for (const policy of policies) {
  test(`R6, R7: cut and extended while another node writes the last page (${policy})`, { skip }, async () => {
    await using cluster = await Cluster.start({ nodes: 3 });
    const [writer, cutter, reader] = cluster.nodes;
    await cluster.mapEverywhere("file.bin", { size, policy });
    const rounds = 60;
    const written = writer.call("writeTail", { pages: 2, rounds: 4000, value: 0x5a }, 60_000);
    for (let round = 0; round < rounds; round++) {
      // Ends inside, at the begin of, and before the page that is being written.
      const cut = size - 1 - ((round * 997) % (2 * pageBytes));
      await cutter.call("truncate", { size: cut });
      const beyond = Math.ceil(cut / pageBytes) * pageBytes;
      assert.ok((await reader.call("size", {})) === cut);
      const tail = await reader.call("read", { offset: cut, length: beyond - cut + pageBytes });
      assert.equal(tail.byteLength, 0, "nothing is beyond the end");
      await cutter.call("truncate", { size });
    }
    await written;
    // Now that nobody writes: what is extended is zero, on every node and on disk.
    await cutter.call("truncate", { size: size - 3000 });
    await cutter.call("truncate", { size });
    for (const node of cluster.nodes) {
      assert.equal(await node.call("firstUnlike", { at: size - 3000, length: 3000, value: 0 }), -1, node.name);
    }
    await writer.call("sync", {});
    assert.equal(
      cluster
        .onDisk("file.bin")
        .subarray(size - 3000)
        .findIndex((byte) => byte !== 0),
      -1,
    );
    assert.deepEqual(cluster.fenced, []);
    await cluster.end();
  });

  test(`R7: what was stored behind the end in the last page never shows (${policy})`, { skip }, async () => {
    await using cluster = await Cluster.start({ nodes: 2 });
    const [one, two] = cluster.nodes;
    const end = pageBytes + 100;
    await cluster.mapEverywhere("file.bin", { size: 2 * pageBytes, policy });
    for (const [round, node] of [one, two, one, two].entries()) {
      const other = node === one ? two : one;
      await other.call("truncate", { size: end });
      await node.call("fill", { at: end, length: 2 * pageBytes - end, value: 0xee });
      await node.call("store", { at: pageBytes, value: round + 1 });
      if (round > 1) await node.call("sync", {});
      await other.call("truncate", { size: 2 * pageBytes });
      for (const reader of cluster.nodes) {
        const tail = await reader.call("read", { offset: pageBytes, length: pageBytes });
        assert.equal(tail[0], round + 1);
        assert.equal(
          tail.subarray(100).findIndex((byte) => byte !== 0),
          -1,
          `${reader.name}: the tail is zero`,
        );
        assert.equal(await reader.call("firstUnlike", { at: end, length: 2 * pageBytes - end, value: 0 }), -1);
      }
      await node.call("sync", {});
      assert.equal(
        cluster
          .onDisk("file.bin")
          .subarray(end)
          .findIndex((byte) => byte !== 0),
        -1,
      );
    }
  });

  test(`R7: nor when it is written back while the file becomes longer (${policy})`, { skip }, async () => {
    await using cluster = await Cluster.start({ nodes: 2 });
    const [one, two] = cluster.nodes;
    await cluster.mapEverywhere("file.bin", { size: pageBytes, policy });
    for (let round = 1; round <= 40; round++) {
      await one.call("truncate", { size: 100 });
      await one.call("fill", { at: 100, length: pageBytes - 100, value: 0xee });
      await one.call("store", { at: 0, value: round });
      const who = round % 2 === 0 ? one : two;
      await Promise.all([one.call("sync", {}), who.call("truncate", { size: pageBytes })]);
      for (const reader of [two, one]) {
        const page = await reader.call("read", { offset: 0, length: pageBytes });
        assert.equal(page[0], round);
        assert.equal(
          page.findIndex((byte, at) => at > 0 && byte !== 0),
          -1,
          `${reader.name}, round ${round}`,
        );
      }
    }
  });

  test(`R18: beyond a moved end a map reads zeros, its stores are dropped, and an event tells (${policy})`, {
    skip,
  }, async () => {
    await using cluster = await Cluster.start({ nodes: 2 });
    const [one, two] = cluster.nodes;
    await cluster.mapEverywhere("file.bin", { size, policy });
    await one.call("fill", { at: 0, length: size, value: 9 });
    await two.call("truncate", { size: pageBytes });
    assert.equal(await one.call("load", { at: 3 * pageBytes }), 0);
    await one.call("store", { at: 3 * pageBytes, value: 42 });
    await one.call("store", { at: 5 * pageBytes, value: 43 });
    assert.deepEqual(
      (await one.call("events", {})).filter(({ event }) => event === "resize"),
      [{ event: "resize", value: { size: pageBytes } }],
    );
    await two.call("truncate", { size });
    for (const node of cluster.nodes) {
      assert.equal(
        await node.call("firstUnlike", { at: pageBytes, length: size - pageBytes, value: 0 }),
        -1,
        node.name,
      );
      assert.equal(await node.call("firstUnlike", { at: 0, length: pageBytes, value: 9 }), -1, node.name);
    }
    await one.call("store", { at: 3 * pageBytes, value: 44 });
    assert.equal(await two.call("load", { at: 3 * pageBytes }), 44, "inside again, it is the file again");
  });

  test(`a file may grow under its maps, and be mapped further (${policy})`, { skip }, async () => {
    await using cluster = await Cluster.start({ nodes: 2 });
    const [one, two] = cluster.nodes;
    await cluster.mapEverywhere("log.bin", { size: pageBytes, policy });
    for (let grown = 2; grown <= 12; grown++) {
      const writer = grown % 2 === 0 ? one : two;
      const reader = grown % 2 === 0 ? two : one;
      await writer.call("truncate", { size: grown * pageBytes });
      await writer.call("map", { as: "grown" });
      await writer.call("fill", { map: "grown", at: (grown - 1) * pageBytes, length: pageBytes, value: grown });
      await reader.call("map", { as: "grown" });
      assert.equal(await reader.call("load", { map: "grown", at: grown * pageBytes - 1 }), grown);
    }
  });
}

test("many truncates from all nodes at once: one size in the end, for everybody", { skip }, async () => {
  await using cluster = await Cluster.start({ nodes: 3 });
  await cluster.mapEverywhere("file.bin", { size });
  const all = cluster.nodes.flatMap((node, rank) =>
    Array.from({ length: 20 }, (_, index) => node.call("truncate", { size: 1 + (((index * 3 + rank) * 1237) % size) })),
  );
  await Promise.all(all);
  await cluster.nodes[0].call("truncate", { size: 12_345 });
  for (const node of cluster.nodes) assert.equal(await node.call("size", {}), 12_345);
  assert.equal(cluster.onDisk("file.bin").length, 12_345);
});
