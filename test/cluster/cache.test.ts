import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { lacksUserfaultfd } from "../support/requires.js";
import { Cluster, pageBytes } from "./cluster.js";

const skip = lacksUserfaultfd();
const mebibyte = 1024 ** 2;
/** The whole case: 4 GiB through 256 MiB. Takes minutes and 4 GiB of disk, so it has to be asked for. */
const large = Boolean(process.env.DMMAP_LARGE_TESTS);

for (const { cache, file } of [{ cache: 32, file: 256 }, ...(large ? [{ cache: 256, file: 4095 }] : [])]) {
  test(`${file} MiB are written, walked and read back through ${cache} MiB of cache`, { skip }, async () => {
    const pages = (file * mebibyte) / pageBytes;
    const limit = 30_000 + file * 200;
    await using cluster = await Cluster.start({ nodes: 1, connect: { cacheBytes: cache * mebibyte } });
    const [node] = cluster.nodes;
    await cluster.mapEverywhere("large.bin", { size: file * mebibyte });
    const idle = await node.call("resident", {});
    const residents = [
      await node.call("writeWalk", { pages, first: 1 }, limit),
      await node.call("readWalk", { pages, first: 1 }, limit),
    ];
    await node.call("hopWalk", { pages, first: 1 }, limit);
    residents.push(await node.call("readWalk", { pages, first: 2 }, limit));

    const { cachedPages, evictedPages } = await node.call("metrics", {});
    assert.ok(cachedPages * pageBytes <= cache * mebibyte * 1.1, `${cachedPages} pages are cached`);
    assert.ok(evictedPages > pages, `${evictedPages} pages were evicted`);
    const grown = (Math.max(...residents) - idle) / mebibyte;
    assert.ok(grown < 2 * cache + 96, `resident memory grew by ${grown.toFixed(0)} MiB`);

    await node.call("sync", {}, limit);
    if (file <= 1024) {
      const disk = readFileSync(cluster.folder.at("large.bin"));
      for (let page = 0; page < pages; page++) assert.equal(disk.readInt32LE(page * pageBytes), page + 2);
    }
    const second = await cluster.add();
    await second.call("open", { name: "large.bin" });
    for (const page of [0, 1, pages >>> 1, pages - 1]) {
      assert.equal(await second.call("pageNumber", { page }), page + 2);
    }
    await cluster.end();
  });
}

test("two nodes with small caches walk one file against each other", { skip }, async () => {
  const pages = (64 * mebibyte) / pageBytes;
  await using cluster = await Cluster.start({ nodes: 2, connect: { cacheBytes: 16 * mebibyte } });
  const [one, two] = cluster.nodes;
  await cluster.mapEverywhere("large.bin", { size: 64 * mebibyte });
  await one.call("writeWalk", { pages, first: 1 }, 60_000);
  await Promise.all(cluster.nodes.map((node) => node.call("readWalk", { pages, first: 1 }, 60_000)));
  await two.call("hopWalk", { pages, first: 1 }, 60_000);
  await Promise.all(cluster.nodes.map((node) => node.call("readWalk", { pages, first: 2 }, 60_000)));
  assert.deepEqual(cluster.fenced, []);
  await cluster.end();
});

test("what is on hold stays cached, however full the cache is", { skip }, async () => {
  const pages = (48 * mebibyte) / pageBytes;
  await using cluster = await Cluster.start({ nodes: 1, connect: { cacheBytes: 16 * mebibyte } });
  const [node] = cluster.nodes;
  await cluster.mapEverywhere("large.bin", { size: 64 * mebibyte });
  const held = { offset: 60 * mebibyte, length: 2 * mebibyte };
  await node.call("hold", { ...held, mode: "write" });
  await node.call("fill", { at: held.offset, length: held.length, value: 6 });
  await node.call("writeWalk", { pages, first: 1 }, 60_000);
  const before = await node.call("metrics", {});
  assert.equal(await node.call("firstUnlike", { at: held.offset, length: held.length, value: 6 }), -1);
  const after = await node.call("metrics", {});
  assert.deepEqual([after.fetches, after.acquires], [before.fetches, before.acquires], "nothing was fetched again");
});
