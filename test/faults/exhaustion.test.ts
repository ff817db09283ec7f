import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { FrameType } from "../../src/core/wire/frame.js";
import { RawNode } from "../home/raw-node.js";
import { lacksUserfaultfd } from "../support/requires.js";
import { temporaryFolder } from "../support/temporary-folder.js";
import { until } from "../support/until.js";
import { FaultCluster, pageBytes } from "./fault-cluster.js";
import { HomeUnderTest } from "./home-under-test.js";

const skip = lacksUserfaultfd();
const mayMount = process.getuid?.() === 0 ? false : "a file system of its own wants root";

/** A folder on a disk of so many bytes. */
function smallDisk(context: TestContext, size: string): string {
  const folder = temporaryFolder();
  mkdirSync(folder.at("disk"));
  const { status, stderr } = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", folder.at("disk")]);
  assert.equal(status, 0, String(stderr));
  context.after(() => {
    spawnSync("umount", ["-l", folder.at("disk")]);
    folder[Symbol.dispose]();
  });
  return folder.at("disk");
}

test("the home's disk is full: sync says so, nothing is lost, and it goes on when there is room", {
  skip: skip || mayMount,
}, async (context) => {
  const disk = smallDisk(context, "4m");
  await using cluster = await FaultCluster.start({ nodes: 2, leaseMillis: 5000, home: { folder: disk } });
  await cluster.mapEverywhere("full.bin", { size: 1000 * pageBytes });
  writeFileSync(`${disk}/ballast`, Buffer.alloc(3_000_000));
  const [one, two] = cluster.nodes;
  const length = 900 * pageBytes;
  await one.call("fill", { at: 0, length, value: 5 });
  await assert.rejects(one.call("sync", {}), { code: "DMMAP_NO_SPACE" });
  assert.equal(
    await two.call("firstUnlike", { at: 0, length, value: 5 }),
    -1,
    "the other node sees all of it meanwhile",
  );
  assert.ok((await cluster.home.status()).refusedBytes > 0);
  rmSync(`${disk}/ballast`);
  await until(
    "a sync succeeds",
    async () => (await one.call("giveUp", { call: "sync", timeout: 5000 })).code === "none",
  );
  assert.equal((await cluster.home.status()).refusedBytes, 0);
  assert.equal(await two.call("firstUnlike", { at: 0, length, value: 5 }), -1);
  await cluster.end();
});

test("a cache full of dirty pages while the home is away: stores wait, nothing is dropped", { skip }, async () => {
  await using cluster = await FaultCluster.start({
    nodes: 2,
    leaseMillis: 20_000,
    connect: { cacheBytes: 16 * 1024 ** 2 },
  });
  const pages = 6000;
  await cluster.mapEverywhere("big.bin", { size: pages * pageBytes });
  const [one, two] = cluster.nodes;
  await one.call("fill", { at: 0, length: 1000 * pageBytes, value: 1 });
  await cluster.home.kill();
  const fill = one.call("fill", { at: 0, length: pages * pageBytes, value: 2 }, 60_000);
  await until("its store waits", () => /has waited for/.test(one.errors));
  await cluster.home.start();
  await fill;
  assert.equal(await two.call("firstUnlike", { at: 0, length: pages * pageBytes, value: 2 }, 60_000), -1);
  assert.ok((await one.call("metrics", {})).cachedPages <= 4096 + 1024, "and the budget is kept");
  await cluster.end();
});

test("the home is out of descriptors: those who are connected go on, others come in when there is room", {
  skip,
}, async () => {
  await using cluster = await FaultCluster.start({
    nodes: 1,
    leaseMillis: 5000,
    homeStart: { prefix: ["prlimit", "--nofile=64"] },
  });
  await cluster.mapEverywhere("few.bin", { size: 4 * pageBytes });
  const idle = Array.from({ length: 100 }, () => connect(cluster.home.port, "127.0.0.1").on("error", () => undefined));
  await until("the home says so", () => cluster.home.warnings.some((warning) => /EMFILE/.test(warning)));
  const [node] = cluster.nodes;
  await node.call("store", { at: pageBytes, value: 3 });
  await assert.rejects(node.call("sync", {}), { code: "DMMAP_BUSY" }, "to sync a new name takes one more");
  for (const socket of idle) socket.destroy();
  await until(
    "a sync succeeds",
    async () => (await node.call("giveUp", { call: "sync", timeout: 5000 })).code === "none",
  );
  const late = await cluster.add();
  await late.map("few.bin");
  assert.equal(await late.call("load", { at: pageBytes }), 3);
  await cluster.end();
});

test("the home is out of descriptors when a node is lost: it lives, and gives away what that one held", {
  skip,
}, async () => {
  const leaseMillis = 1000;
  await using cluster = await FaultCluster.start({
    nodes: 1,
    leaseMillis,
    homeStart: { prefix: ["prlimit", "--nofile=64"] },
  });
  await cluster.mapEverywhere("few.bin", { size: 4 * pageBytes });
  const { node: lost } = await RawNode.greet(cluster.home.port, "lost");
  const { file } = await lost.request("open", { name: "few.bin" });
  await lost.granted(lost.acquire(file, 2, 1, 2));
  const idle = Array.from({ length: 100 }, () => connect(cluster.home.port, "127.0.0.1").on("error", () => undefined));
  await until("the home says so", () => cluster.home.warnings.some((warning) => /EMFILE/.test(warning)));
  const [node] = cluster.nodes;
  await node.call("store", { at: pageBytes, value: 3 });
  await cluster.home.untilFenced("lost");
  const unwritten = cluster.home.warnings.filter((warning) => /note/.test(warning));
  assert.deepEqual(unwritten, [], "the note of who is there takes no descriptor more");
  for (const socket of [...idle, lost.socket]) socket.destroy();
  await cluster.end();
});

test("a node that pings and never gives way is heard no more after a lease, and fenced when its lease is over then", {
  skip,
}, async () => {
  const leaseMillis = 1000;
  await using cluster = await FaultCluster.start({ nodes: 1, leaseMillis });
  const [node] = cluster.nodes;
  await node.map("kept.bin", { size: 4 * pageBytes });
  const { node: raw, welcome } = await RawNode.greet(cluster.home.port, "keeps all");
  const { file } = await raw.request("open", { name: "kept.bin" });
  await raw.granted(raw.acquire(file, 2, 0, 4));
  const pings = setInterval(() => raw.send({ type: FrameType.ping }), leaseMillis / 10);
  try {
    const start = performance.now();
    let isServed = false;
    const waits = node.call("add32", { at: 0, value: 1 }).then((value) => {
      isServed = true;
      assert.equal(value, 0);
    });
    assert.equal((await raw.next(FrameType.closing)).json.code, "DMMAP_FENCED");
    const condemned = performance.now() - start;
    assert.ok(condemned > leaseMillis * 0.8 && condemned < leaseMillis + 1000, `condemned after ${condemned} ms`);
    // R15: its pings were answered until now, so it may still use what it holds.
    assert.equal(isServed, false);
    const { node: again, welcome: second } = await RawNode.greet(cluster.home.port, "again", welcome.session);
    assert.equal(second.state, "new", "it cannot go on");
    again.socket.destroy();
    await waits;
    const waited = performance.now() - start;
    assert.ok(waited > leaseMillis * 1.8 && waited < leaseMillis * 2 + 1500, `after ${waited} ms`);
    const { reason, files } = await cluster.home.untilFenced("keeps all");
    assert.match(reason, /asked to give way/);
    assert.deepEqual(files, [{ name: "kept.bin", ranges: [[0, 4]] }]);
  } finally {
    clearInterval(pings);
    raw.socket.destroy();
  }
  await node.end();
});

test("a hold is no such thing: its node says that it knows, and keeps it for longer than a lease", {
  skip,
}, async () => {
  const leaseMillis = 600;
  await using cluster = await FaultCluster.start({ nodes: 2, leaseMillis });
  await cluster.mapEverywhere("held.bin", { size: pageBytes });
  const [holder, other] = cluster.nodes;
  await holder.call("hold", { offset: 0, length: pageBytes, mode: "write" });
  const start = performance.now();
  const waits = other.call("add32", { at: 0, value: 1 });
  await until("four leases have passed", () => performance.now() - start > 4 * leaseMillis);
  await holder.call("store32", { at: 0, value: 41 });
  await holder.call("release", {});
  assert.equal(await waits, 41);
  assert.deepEqual(cluster.home.fenced, []);
  await cluster.end();
});

test("ten thousand idle connections: the home serves on, and what each costs is known", { skip }, async (context) => {
  const count = 10_000;
  await using cluster = await FaultCluster.start({ nodes: 1, leaseMillis: 60_000, home: { helloMillis: 60_000 } });
  const [node] = cluster.nodes;
  await node.map("idle.bin", { size: 4 * pageBytes });
  const before = (await cluster.home.status()).memory.residentBytes;
  const sockets: Socket[] = [];
  for (let opened = 0; opened < count; opened += 500) {
    const wave = Array.from({ length: 500 }, () =>
      connect(cluster.home.port, "127.0.0.1").on("error", () => undefined),
    );
    sockets.push(...wave);
    const haveCome = async () => (await cluster.home.status()).counters.connections > opened + 500;
    await until("all are taken in", haveCome, 60_000);
  }
  const { residentBytes } = (await cluster.home.status()).memory;
  const each = (residentBytes - before) / count;
  context.diagnostic(
    `${count} connections: ${Math.round(each / 1024)} KiB each, ${Math.round(residentBytes / 2 ** 20)} MiB in all`,
  );
  assert.ok(each < 64 * 1024, `${each} bytes for an idle connection`);
  const start = performance.now();
  await node.call("store", { at: pageBytes, value: 1 });
  await node.call("sync", {});
  assert.ok(performance.now() - start < 5000);
  for (const socket of sockets) socket.destroy();
  await node.end();
});

test("a slow reader with a full socket stops nobody else", { skip }, async () => {
  await using cluster = await FaultCluster.start({ nodes: 2, leaseMillis: 5000 });
  await cluster.mapEverywhere("wide.bin", { size: 20_000 * pageBytes });
  const [one, two] = cluster.nodes;
  await one.call("fill", { at: 0, length: 4000 * pageBytes, value: 9 });
  await one.call("sync", {});
  const { node: slow } = await RawNode.greet(cluster.home.port, "slow");
  const { file } = await slow.request("open", { name: "wide.bin" });
  const { epoch } = await slow.granted(slow.acquire(file, 1, 0, 4000));
  slow.socket.pause();
  for (let ask = 0; ask < 50; ask++) slow.fetch(file, 0, 4000, epoch);
  const start = performance.now();
  for (let round = 0; round < 20; round++) {
    await one.call("store32", { at: 10_000 * pageBytes, value: round });
    assert.equal(await two.call("load32", { at: 10_000 * pageBytes }), round);
  }
  assert.ok(performance.now() - start < 10_000);
  slow.socket.destroy();
  await cluster.end();
});

test("two homes do not share a folder, and a home that was killed leaves nothing in the way of the next", async () => {
  using folder = temporaryFolder();
  await using home = await HomeUnderTest.start({ folder: folder.path });
  await assert.rejects(HomeUnderTest.start({ folder: folder.path }), /served already/);
  await home.restart();
});
