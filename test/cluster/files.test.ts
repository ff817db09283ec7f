import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { startHome } from "../../src/home/index.js";
import { lacksUserfaultfd } from "../support/requires.js";
import { temporaryFolder } from "../support/temporary-folder.js";
import { Cluster, pageBytes } from "./cluster.js";

const skip = lacksUserfaultfd();

test("a file that was in the folder before is served; what is written is there for any tool after sync", {
  skip,
}, async () => {
  await using cluster = await Cluster.start({ nodes: 2 });
  const [one, two] = cluster.nodes;
  writeFileSync(cluster.folder.at("text.txt"), "hello from before".repeat(1000));
  await one.call("open", { name: "text.txt" });
  await one.call("map", {});
  assert.equal(Buffer.from(await one.call("bytes", { at: 0, length: 17 })).toString(), "hello from before");
  await two.call("open", { name: "text.txt" });
  await two.call("write", { offset: 0, bytes: Buffer.from("HELLO") });
  await two.call("sync", {});
  assert.equal(
    readFileSync(cluster.folder.at("text.txt"), "utf8"),
    `HELLO${"hello from before".repeat(1000).slice(5)}`,
  );
});

test("what is written as a whole is not fetched before; others see it, maps of the writer too", { skip }, async () => {
  await using cluster = await Cluster.start({ nodes: 2 });
  const [one, two] = cluster.nodes;
  const size = 3 * 1024 * 1024 + 100;
  writeFileSync(cluster.folder.at("old.bin"), Buffer.alloc(size, 1));
  await cluster.mapEverywhere("old.bin", { size });
  const { dataBytes } = (await one.call("status", {})).counters;
  await one.call("write", { offset: 0, bytes: Buffer.alloc(size, 2) });
  assert.equal((await one.call("status", {})).counters.dataBytes, dataBytes, "the home sent no page");
  for (const at of [0, 1024 * 1024, size - 1]) {
    assert.equal(await one.call("load", { at }), 2);
    assert.equal(await two.call("load", { at }), 2);
  }
  await two.call("store", { at: pageBytes, value: 3 });
  await one.call("write", { offset: pageBytes + 1, bytes: Buffer.alloc(2 * pageBytes, 4) });
  assert.equal(await two.call("load", { at: pageBytes }), 3, "what is not overwritten of a page stays");
  assert.equal(await two.call("load", { at: pageBytes + 1 }), 4);
  assert.equal(await two.call("load", { at: 3 * pageBytes + 1 }), 2);
  await cluster.end();
  assert.equal(cluster.onDisk("old.bin").length, size);
});

test("a file is renamed, and removed, while it is mapped: whoever has it keeps it", { skip }, async () => {
  await using cluster = await Cluster.start({ nodes: 2 });
  const [one, two] = cluster.nodes;
  await cluster.mapEverywhere("old.bin", { size: 2 * pageBytes });
  await one.call("fill", { at: 0, length: 2 * pageBytes, value: 1 });
  await two.call("rename", { from: "old.bin", to: "new.bin" });
  await one.call("store", { at: 0, value: 2 });
  assert.equal(await two.call("load", { at: 0 }), 2);
  await one.call("sync", {});
  assert.equal(existsSync(cluster.folder.at("old.bin")), false);
  assert.equal(cluster.onDisk("new.bin")[0], 2);

  await one.call("remove", { name: "new.bin" });
  assert.equal(existsSync(cluster.folder.at("new.bin")), false);
  await two.call("store", { at: pageBytes, value: 3 });
  assert.equal(await one.call("load", { at: pageBytes }), 3);
  await two.call("sync", {});
  await assert.rejects(two.call("open", { name: "new.bin", as: "gone" }), { code: "DMMAP_NOT_FOUND" });

  await two.call("open", { name: "new.bin", create: true, size: pageBytes, as: "other" });
  await two.call("map", { file: "other", as: "other" });
  assert.equal(await two.call("load", { map: "other", at: 0 }), 0, "a new file of that name is another file");
  await two.call("store", { map: "other", at: 0, value: 9 });
  assert.equal(await one.call("load", { at: 0 }), 2);
  await cluster.end();
  assert.equal(cluster.onDisk("new.bin")[0], 9);
});

test("one file over another by rename: both live on for those who have them", { skip }, async () => {
  await using cluster = await Cluster.start({ nodes: 2 });
  const [one, two] = cluster.nodes;
  for (const [name, value] of [
    ["a.bin", 1],
    ["b.bin", 2],
  ] as const) {
    await one.call("open", { name, create: true, size: pageBytes, as: name });
    await one.call("map", { file: name, as: name });
    await one.call("fill", { map: name, at: 0, length: pageBytes, value });
  }
  await two.call("rename", { from: "a.bin", to: "b.bin" });
  await two.call("open", { name: "b.bin" });
  await two.call("map", {});
  assert.equal(await two.call("load", { at: 0 }), 1);
  await one.call("store", { map: "a.bin", at: 0, value: 5 });
  assert.equal(await two.call("load", { at: 0 }), 5);
  assert.equal(await one.call("load", { map: "b.bin", at: 0 }), 2);
});

test("a file that is opened and mapped many times in one process has one content", { skip }, async () => {
  await using cluster = await Cluster.start({ nodes: 2 });
  const [one, two] = cluster.nodes;
  for (const as of ["x", "y", "z"]) {
    await one.call("open", { name: "file.bin", create: true, size: 4 * pageBytes, as });
    await one.call("map", { file: as, as });
    await one.call("map", { file: as, as: `${as} at 1`, offset: pageBytes, length: pageBytes });
  }
  await one.call("store", { map: "x", at: pageBytes + 5, value: 6 });
  for (const map of ["y at 1", "z at 1"]) assert.equal(await one.call("load", { map, at: 5 }), 6);
  await two.call("open", { name: "file.bin" });
  await two.call("map", {});
  await two.call("store", { at: pageBytes + 5, value: 7 });
  for (const map of ["x at 1", "y at 1"]) assert.equal(await one.call("load", { map, at: 5 }), 7);
  await one.call("closeFile", { file: "x" });
  await assert.rejects(one.call("load", { map: "x", at: 0 }), { code: "DMMAP_CLOSED" });
  await one.call("store", { map: "y", at: 0, value: 8 });
  assert.equal(await two.call("load", { at: 0 }), 8, "the other opens live on");
  await one.call("closeFile", { file: "y" });
  await one.call("closeFile", { file: "z" });
  await two.call("store", { at: 0, value: 9 });
  await one.call("open", { name: "file.bin", as: "again" });
  await one.call("map", { file: "again", as: "again" });
  assert.equal(await one.call("load", { map: "again", at: 0 }), 9);
});

test("two volumes in one process are two nodes; two homes are two worlds", { skip }, async () => {
  using folder = temporaryFolder();
  await using other = await startHome({ folder: folder.path, listen: "127.0.0.1:0" });
  await using cluster = await Cluster.start({ nodes: 1 });
  const [node] = cluster.nodes;
  await node.call("connect", { url: cluster.home.url, as: "second" });
  await node.call("connect", { url: other.url, as: "elsewhere" });
  for (const volume of ["main", "second", "elsewhere"]) {
    await node.call("open", { volume, name: "file.bin", create: true, size: pageBytes, as: volume });
    await node.call("map", { file: volume, as: volume });
  }
  const added = 50;
  for (let round = 0; round < added; round++) {
    await node.call("add32", { map: "main", at: 0, value: 1 });
    await node.call("add32", { map: "second", at: 0, value: 1 });
  }
  assert.equal(await node.call("load32", { map: "main", at: 0 }), 2 * added);
  assert.equal(await node.call("load32", { map: "elsewhere", at: 0 }), 0);
  await node.call("closeVolume", { volume: "second" });
  assert.equal(await node.call("add32", { map: "main", at: 0, value: 1 }), 2 * added);
  await node.call("closeAll", {});
  assert.deepEqual(await node.end(), { code: 0, signal: null });
});

test("2000 small files, all of them open and mapped by two nodes", { skip }, async () => {
  await using cluster = await Cluster.start({ nodes: 2 });
  const [one, two] = cluster.nodes;
  const count = 2000;
  await one.call("makeFiles", { count }, 60_000);
  await two.call("checkFiles", { count }, 60_000);
  for (const index of [0, 999, 1999]) {
    const disk = cluster.onDisk(`many/${index}.bin`);
    assert.equal(disk.length, 100 + index);
  }
  await cluster.end();
  for (const index of [0, 999, 1999]) {
    assert.equal(cluster.onDisk(`many/${index}.bin`).readInt32LE(0), index + 2_000_000);
  }
});
