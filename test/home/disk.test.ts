import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, statfsSync, statSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { FrameFlag, FrameType } from "../../src/core/wire/frame.js";
import { startHome } from "../../src/home/index.js";
import { temporaryFolder } from "../support/temporary-folder.js";
import { until } from "../support/until.js";
import { page, RawNode } from "./raw-node.js";

const listen = "127.0.0.1:0";
const everything = { start: 0, end: 2 ** 41 };
const lacksRoot = userInfo().uid === 0 ? false : "needs root for a small tmpfs";

test("after a sync the file on disk is what was written, byte for byte, clipped to its size", async () => {
  using folder = temporaryFolder();
  await using home = await startHome({ folder: folder.path, listen });
  const { node } = await RawNode.greet(home.port);
  const { file } = await node.request("open", { name: "sub/file", create: true, size: 10_000 });
  await node.granted(node.acquire(file, 2, 0, 1, everything));
  node.write(file, 0, page(0x61));
  node.write(file, 2, page(0x62));
  await node.sync(file);
  const expected = "a".repeat(4096) + "\0".repeat(4096) + "b".repeat(10_000 - 8192);
  assert.equal(readFileSync(folder.at("sub/file"), "latin1"), expected);
  assert.equal((await home.status()).counters.syncs, 1);
  node.socket.destroy();
});

test("a sparse file of 1 TiB stays sparse, and is served at both ends", async () => {
  using folder = temporaryFolder();
  await using home = await startHome({ folder: folder.path, listen });
  const { node } = await RawNode.greet(home.port);
  const last = 2 ** 28 - 1;
  const { file } = await node.request("open", { name: "sparse", create: true, size: 2 ** 40 });
  await node.granted(node.acquire(file, 2, 0, 1, everything));
  node.write(file, last, page(7));
  node.send({ type: FrameType.write, file, flags: 1, dataStart: 1000, dataEnd: 1256 });
  node.write(file, 5000, page(0, 256));
  await node.sync(file);
  const frames = await node.data(node.fetch(file, last - 1, last + 1, 1));
  assert.deepEqual(
    frames.map(({ flags, payloadBytes }) => [flags & 1, payloadBytes]),
    [
      [1, 0],
      [0, 4096],
    ],
  );
  assert.ok(statSync(folder.at("sparse")).blocks * 512 < 1024 * 1024);
  assert.ok((await home.status()).memory.residentBytes < 200 * 1024 * 1024);
  node.socket.destroy();
});

test("a thousand files of two nodes, opened, written and synced", async () => {
  using folder = temporaryFolder();
  await using home = await startHome({ folder: folder.path, listen });
  const nodes = await Promise.all([RawNode.greet(home.port, "a"), RawNode.greet(home.port, "b")]);
  await Promise.all(
    nodes.map(async ({ node }, of) => {
      for (let index = 0; index < 1000; index++) {
        const { file } = await node.request("open", { name: `f${index % 50}/${index}`, create: true, size: 8192 });
        await node.granted(node.acquire(file, 2, of, of + 1, { start: of, end: of + 1 }));
        await node.outcome(node.write(file, of, page(1 + of)), FrameType.written);
        if (index % 100 === 99) await node.sync(file);
      }
    }),
  );
  const status = await home.status();
  assert.equal(status.openFiles, 1000);
  assert.equal(status.nodes[0].tokens, 1000);
  assert.deepEqual(readFileSync(folder.at("f49/999")), Buffer.concat([page(1), page(2)]));
  for (const { node } of nodes) node.send({ type: FrameType.goodbye });
  for (const { node } of nodes) await node.closed();
  // Nobody has synced most of them: the home does, and then closes them.
  await until("all files are closed", async () => (await home.status()).openFiles === 0);
});

test("a full disk reaches sync, stops only the writer, and loses nothing", { skip: lacksRoot }, async () => {
  using folder = temporaryFolder();
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", folder.path]);
  try {
    // Long enough for a machine that is busy with other things: what is sent below must not look like silence.
    const leaseMillis = 1500;
    const home = await startHome({ folder: folder.at("served"), listen, leaseMillis });
    const { node } = await RawNode.greet(home.port, "writer");
    const pages = 24_576; // 96 MiB: more than the disk and the home's memory for refused pages together.
    const { file } = await node.request("open", { name: "big", create: true, size: pages * 4096 });
    await node.granted(node.acquire(file, 2, 0, 1, everything));
    node.write(file, 0, page(1, 256));
    node.write(file, 256, page(1, 256));
    await assert.rejects(node.sync(file), { code: "DMMAP_NO_SPACE" });
    await assert.rejects(node.sync(file), { code: "DMMAP_NO_SPACE" });
    const refused = page(1, 256);
    for (let start = 512; start < pages; start += 256) {
      node.write(file, start, refused);
      await setImmediate(); // It goes out, and the home hears it.
    }

    const { node: other } = await RawNode.greet(home.port, "other");
    const { file: small } = await other.request("open", { name: "small", create: true, size: 4096 });
    await other.granted(other.acquire(small, 1, 0, 1));
    let refusedBytes = 0;
    while (refusedBytes < 60 * 2 ** 20) {
      assert.ok(!node.isClosed, "the writer lives");
      await other.settled();
      ({ refusedBytes } = await home.status());
    }
    const from = performance.now();
    while (performance.now() - from < 2 * leaseMillis) await other.settled(); // The writer is not read from, not fenced.
    assert.equal((await home.status()).counters.fenced, 0);

    execFileSync("mount", ["-o", "remount,size=200m", folder.path]);
    const synced = node.sync(file);
    const keepAlive = setInterval(() => other.send({ type: FrameType.ping }), 100);
    await synced;
    clearInterval(keepAlive);
    assert.deepEqual(new Set(readFileSync(folder.at("served/big"))), new Set([1]));
    assert.equal((await home.status()).refusedBytes, 0);
    await home.close();
  } finally {
    execFileSync("umount", ["--lazy", folder.path]);
  }
});

test("a store that fails: EIO on reading and syncing reaches who asked, and the session goes on", async () => {
  using folder = temporaryFolder();
  process.env.DMMAP_TEST_FAULTS = folder.path;
  const home = await startHome({ store: new URL("./failing-store.js", import.meta.url), listen });
  const { node } = await RawNode.greet(home.port);
  const { file } = await node.request("open", { name: "file", create: true, size: 40_960 });
  const grant = await node.granted(node.acquire(file, 2, 0, 1));
  await node.outcome(node.write(file, 0, page(1)), FrameType.written);
  writeFileSync(folder.at("sync"), "");
  await assert.rejects(node.sync(file), { code: "DMMAP_IO" });
  rmSync(folder.at("sync"));
  await node.sync(file);
  writeFileSync(folder.at("read"), "");
  await assert.rejects(node.outcome(node.fetch(file, 0, 1, grant.epoch), FrameType.data), { code: "DMMAP_IO" });
  node.release(file, 0, 0, 1, grant.epoch);
  const bare = await node.granted(node.acquire(file, 1, 0, 1));
  assert.deepEqual([bare.dataStart, bare.dataEnd, bare.flags], [0, 0, 0], "the token comes, its pages do not");
  rmSync(folder.at("read"));
  const [{ payload }] = await node.data(node.fetch(file, 0, 1, bare.epoch));
  assert.deepEqual(payload, page(1));
  writeFileSync(folder.at("sync"), "");
  await assert.rejects(home.close(), { code: "DMMAP_IO" });
  assert.ok(existsSync(folder.path));
});

test("a page that cannot be read costs nobody the pages before it, nor the connection", async () => {
  using folder = temporaryFolder();
  process.env.DMMAP_TEST_FAULTS = folder.path;
  await using home = await startHome({ store: new URL("./failing-store.js", import.meta.url), listen });
  const { node } = await RawNode.greet(home.port);
  const { file } = await node.request("open", { name: "run", create: true, size: 16 * 4096 });
  const { epoch } = await node.granted(node.acquire(file, 2, 0, 1, everything));
  for (let at = 0; at < 16; at++) await node.outcome(node.write(file, at, page(at + 1)), FrameType.written);
  writeFileSync(folder.at("read 5"), "");
  const request = node.fetch(file, 0, 16, epoch);
  for (let at = 0; at < 5; at++) {
    const { dataStart, dataEnd, payload } = await node.outcome(request, FrameType.data);
    assert.deepEqual([dataStart, dataEnd, payload], [at, at + 1, page(at + 1)]);
  }
  await assert.rejects(node.outcome(request, FrameType.data), { code: "DMMAP_IO" });
  const [behind] = await node.data(node.fetch(file, 6, 16, epoch));
  assert.deepEqual([behind.dataStart, behind.dataEnd, behind.payload.subarray(0, 4096)], [6, 16, page(7)]);
  rmSync(folder.at("read 5"));
  const [whole] = await node.data(node.fetch(file, 0, 16, epoch));
  assert.deepEqual([whole.dataEnd, whole.payload.subarray(5 * 4096, 6 * 4096)], [16, page(6)]);
  await node.settled();
  node.socket.destroy();
});

test("R20: what the home could not sync for those who have left stays unstable to whoever comes", async () => {
  using folder = temporaryFolder();
  process.env.DMMAP_TEST_FAULTS = folder.path;
  await using home = await startHome({ store: new URL("./failing-store.js", import.meta.url), listen });
  const warnings: string[] = [];
  home.on("warning", (message) => warnings.push(message));
  const { node: writer } = await RawNode.greet(home.port, "writer");
  const opened = await writer.request("open", { name: "left", create: true, size: 4096 });
  const grant = await writer.granted(writer.acquire(opened.file, 2, 0, 1));
  await writer.outcome(writer.write(opened.file, 0, page(1)), FrameType.written);
  writer.release(opened.file, 0, 0, 1, grant.epoch);
  writeFileSync(folder.at("sync"), "");
  writer.send({ type: FrameType.goodbye });
  await until("the home has tried", () => warnings.length > 0);
  const { node: reader } = await RawNode.greet(home.port, "reader");
  const { file } = await reader.request("open", { name: "left" });
  const seen = await reader.granted(reader.acquire(file, 1, 0, 1));
  assert.deepEqual([seen.payload, seen.flags & FrameFlag.unstable], [page(1), FrameFlag.unstable]);
  rmSync(folder.at("sync"));
  await reader.sync(file);
  reader.release(file, 0, 0, 1, seen.epoch);
  const again = await reader.granted(reader.acquire(file, 1, 0, 1));
  assert.deepEqual([again.payload, again.flags & FrameFlag.unstable], [page(1), 0]);
  reader.socket.destroy();
});

test("to remove the file that fills the disk frees it, though its last pages found no room", {
  skip: lacksRoot,
}, async () => {
  using folder = temporaryFolder();
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", folder.path]);
  try {
    await using home = await startHome({ folder: folder.at("served"), listen });
    const warnings: string[] = [];
    home.on("warning", (message) => warnings.push(message));
    const free = () => statfsSync(folder.path).bavail;
    const before = free();
    const { node } = await RawNode.greet(home.port, "writer");
    const { file } = await node.request("open", { name: "fill", create: true, size: 1024 * 4096 });
    await node.granted(node.acquire(file, 2, 0, 1, everything));
    for (let start = 0; start < 1024; start += 256) node.write(file, start, page(1, 256));
    await assert.rejects(node.sync(file), { code: "DMMAP_NO_SPACE" });
    await node.request("close", { file });
    await until("the home has tried", () => warnings.length > 0);
    await node.request("remove", { name: "fill" });
    await until("the room is free", () => free() === before);
    const { openFiles, refusedBytes } = await home.status();
    assert.deepEqual([openFiles, refusedBytes], [0, 0]);
    assert.match(warnings[1], /fill is gone with it/);
    node.socket.destroy();
  } finally {
    execFileSync("umount", ["--lazy", folder.path]);
  }
});

test("what nodes that have left had stored goes to a full disk as soon as there is room, and is said", {
  skip: lacksRoot,
}, async () => {
  using folder = temporaryFolder();
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", folder.path]);
  try {
    await using home = await startHome({ folder: folder.at("served"), listen });
    const warnings: string[] = [];
    home.on("warning", (message) => warnings.push(message));
    const { node } = await RawNode.greet(home.port, "writer");
    const { file } = await node.request("open", { name: "left", create: true, size: 512 * 4096 });
    await node.granted(node.acquire(file, 2, 0, 1, everything));
    await node.outcome(node.write(file, 0, page(1, 256)), FrameType.written);
    await node.outcome(node.write(file, 256, page(2, 256)), FrameType.written);
    node.send({ type: FrameType.goodbye });
    await until("the home has tried", () => warnings.length > 0);
    assert.match(warnings[0], /left.*not on the disk yet.*ENOSPC/);
    assert.equal((await home.status()).openFiles, 1, "opened anew, it would count as stable");
    execFileSync("mount", ["-o", "remount,size=10m", folder.path]);
    await until("the file is closed", async () => (await home.status()).openFiles === 0);
    assert.match(warnings[1], /left is on the disk now/);
    assert.equal(warnings.length, 2, "said once, however often it is tried");
    assert.deepEqual(readFileSync(folder.at("served/left")), Buffer.concat([page(1, 256), page(2, 256)]));
  } finally {
    execFileSync("umount", ["--lazy", folder.path]);
  }
});
