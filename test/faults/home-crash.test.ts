import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { FrameType } from "../../src/core/wire/frame.js";
import { policies } from "../cluster/cluster.js";
import { ringBytes } from "../cluster/workloads/ring.js";
import { RawNode } from "../home/raw-node.js";
import { lacksUserfaultfd } from "../support/requires.js";
import { temporaryFolder } from "../support/temporary-folder.js";
import { until } from "../support/until.js";
import { FaultCluster, pageBytes } from "./fault-cluster.js";
import { killHomeWhile } from "./kill-home-while.js";
import { seededRandom } from "./seeded-random.js";

const skip = lacksUserfaultfd();
const leaseMillis = 2000;

for (const policy of policies) {
  test(`R20: counters stay exact while their home is killed again and again (${policy})`, { skip }, async (context) => {
    await using cluster = await FaultCluster.start({ nodes: 3, leaseMillis });
    await cluster.mapEverywhere("counters.bin", { size: 16 * pageBytes, policy });
    const at = Array.from({ length: 12 }, (_, index) => index * pageBytes + 64 * index);
    const work = Promise.all(cluster.nodes.map((node) => node.call("addFor", { at, millis: 4000 })));
    const kills = await killHomeWhile(cluster.home, seededRandom(context), work);
    const added = await work;
    assert.ok(kills >= 2, `killed ${kills} times`);
    await cluster.nodes[0].call("sync", {});
    const disk = cluster.onDisk("counters.bin");
    for (const [index, offset] of at.entries()) {
      const total = added.reduce((sum, counts) => sum + counts[index], 0);
      for (const node of cluster.nodes)
        assert.equal(await node.call("load32", { at: offset }), total, `counter ${index}`);
    }
    await cluster.end();
    assert.equal(disk.byteLength, 16 * pageBytes);
    const after = cluster.onDisk("counters.bin");
    for (const [index, offset] of at.entries()) {
      assert.equal(
        after.readInt32LE(offset),
        added.reduce((sum, counts) => sum + counts[index], 0),
        `on disk: ${index}`,
      );
    }
    assert.deepEqual(cluster.home.fenced, []);
  });
}

test("R20: bank, stamps and ring hold while their home is killed: nothing torn, nothing twice", {
  skip,
}, async (context) => {
  await using cluster = await FaultCluster.start({ nodes: 4, leaseMillis });
  await cluster.mapEverywhere("bank.bin", { size: 2 * pageBytes }, {}, "bank");
  await cluster.mapEverywhere("stamps.bin", { size: 8 * pageBytes }, {}, "stamps");
  await cluster.mapEverywhere("ring.bin", { size: ringBytes }, {}, "ring");
  const [one, two, three, four] = cluster.nodes;
  const millis = 4000;
  const work = Promise.all([
    one.call("transferFor", { map: "bank", millis, seed: 5 }),
    one.call("stampFor", { map: "stamps", millis, pages: 8, stamp: 1 }),
    two.call("transferFor", { map: "bank", millis, seed: 6 }),
    two.call("checkStampsFor", { map: "stamps", millis, pages: 8 }),
    three.call("sendMessages", { map: "ring", messages: 6000 }),
    four.call("receiveMessages", { map: "ring", messages: 6000 }),
  ]);
  const kills = await killHomeWhile(cluster.home, seededRandom(context), work);
  await work;
  assert.ok(kills >= 2, `killed ${kills} times`);
  assert.equal((await three.call("auditFor", { map: "bank", millis: 50 })) > 0, true);
  await cluster.end();
  assert.deepEqual(cluster.home.fenced, []);
});

test("an acknowledged sync is on the disk, whenever the home is killed", { skip }, async (context) => {
  await using cluster = await FaultCluster.start({ nodes: 2, leaseMillis });
  await cluster.mapEverywhere("synced.bin", { size: 2 * pageBytes });
  using folder = temporaryFolder();
  const logs = cluster.nodes.map((_, index) => folder.at(`log-${index}`));
  const acknowledged = (log: string) => {
    try {
      return Number(readFileSync(log, "utf8").trim().split("\n").at(-1));
    } catch {
      return 0;
    }
  };
  const work = Promise.all(
    cluster.nodes.map((node, index) => node.call("syncFor", { at: index * pageBytes, millis: 3000, log: logs[index] })),
  );
  await killHomeWhile(cluster.home, seededRandom(context), work, {
    beforeKill: () => logs.map(acknowledged),
    whileDead: (before) => {
      const disk = cluster.onDisk("synced.bin");
      for (const [index, least] of before.entries()) {
        const found = disk.readInt32LE(index * pageBytes);
        assert.ok(found >= least, `page ${index}: ${least} was acknowledged, the disk has ${found}`);
        const words = new Int32Array(disk.buffer, disk.byteOffset + index * pageBytes, pageBytes / 4);
        assert.ok(
          words.every((word) => word === found),
          `page ${index} is torn`,
        );
      }
    },
  });
  await work;
  await cluster.end();
});

test("R16: advisory locks are kept across the home's restart, and still exclude", { skip }, async (context) => {
  await using cluster = await FaultCluster.start({ nodes: 2, leaseMillis });
  await cluster.mapEverywhere("locked.bin", { size: 2 * pageBytes });
  const [one, two] = cluster.nodes;
  await one.call("lock", { start: 0, length: 10, mode: "exclusive", as: "kept" });
  await cluster.home.restart();
  await assert.rejects(two.call("lock", { start: 5, length: 1, mode: "shared", wait: false }), { code: "DMMAP_BUSY" });
  const waiting = two.call("lock", { start: 5, length: 1, mode: "shared" });
  await one.call("unlock", { as: "kept" });
  await waiting;
  await two.call("unlock", {});

  const rounds = 800;
  const work = Promise.all(cluster.nodes.map((node) => node.call("countUnderLock", { rounds })));
  await killHomeWhile(cluster.home, seededRandom(context), work);
  await work;
  assert.equal(await one.call("load32", { at: 4096 }), 2 * rounds);
  await cluster.end();
});

test("a hold is kept across the home's restart: nobody else gets the page before its release", { skip }, async () => {
  await using cluster = await FaultCluster.start({ nodes: 2, leaseMillis });
  await cluster.mapEverywhere("held.bin", { size: 2 * pageBytes });
  const [one, two] = cluster.nodes;
  await one.call("hold", { offset: 0, length: pageBytes, mode: "write" });
  await one.call("store32", { at: 0, value: 1 });
  await cluster.home.restart();
  let isStored = false;
  const store = two.call("add32", { at: 0, value: 10 }).then((before) => {
    isStored = true;
    return before;
  });
  await until("the home hears that two wants the page", async () => {
    return (await cluster.home.status()).files.some(({ waiters }) => waiters > 0);
  });
  await one.call("store32", { at: 0, value: 2 });
  assert.equal(isStored, false);
  await one.call("release", {});
  assert.equal(await store, 2);
  await cluster.end();
});

test("a node that dies with its home is fenced at the end of the grace period, and its files are told", {
  skip,
}, async () => {
  await using cluster = await FaultCluster.start({ nodes: 2, leaseMillis: 1000 });
  await cluster.mapEverywhere("both.bin", { size: 4 * pageBytes });
  const [dies, lives] = cluster.nodes;
  await dies.call("store", { at: 0, value: 7 });
  await dies.call("sync", {});
  await dies.call("store", { at: pageBytes, value: 8 });
  await lives.call("store", { at: 2 * pageBytes, value: 9 });
  await Promise.all([dies.kill(), cluster.home.kill()]);
  await cluster.home.start();
  const start = performance.now();
  assert.equal(await lives.call("load", { at: 0 }), 7, "what it had synced is there");
  const waited = performance.now() - start;
  assert.ok(waited < 1100 + 1000, `waited ${waited} ms for the grace period of 1100 ms`);
  await lives.call("store", { at: pageBytes, value: 1 });
  assert.equal(await lives.call("load", { at: 2 * pageBytes }), 9);
  const event = await cluster.home.untilFenced(dies.name);
  assert.match(event.reason, /did not come back/);
  assert.deepEqual(event.files, [{ name: "both.bin", ranges: [[0, 4]] }]);
  const { fencings } = await cluster.home.status();
  assert.deepEqual(
    fencings.map(({ name }) => name),
    [dies.name],
  );
  await lives.end();
});

test("a node that is back and claims nothing is waited for no longer than a lease, and the rest of its own", {
  skip,
}, async () => {
  const leaseMillis = 1000;
  await using cluster = await FaultCluster.start({ nodes: 1, leaseMillis });
  const [lives] = cluster.nodes;
  await lives.map("mute.bin", { size: pageBytes });
  await lives.call("store", { at: 0, value: 7 });
  const mute = await RawNode.greet(cluster.home.port, "mute");
  await mute.node.request("open", { name: "mute.bin" });
  await cluster.home.kill();
  await cluster.home.start();
  const start = performance.now();
  const { node: raw, welcome } = await RawNode.greet(cluster.home.port, "mute", mute.welcome.session);
  assert.equal(welcome.state, "recovering");
  // It says that it knows what it was asked: that gives no more time here, where everybody waits for it.
  const pings = setInterval(() => raw.send({ type: FrameType.ping, extra: 1 }), leaseMillis / 10);
  try {
    const { reason } = await cluster.home.untilFenced("mute");
    assert.match(reason, /did not say .* what it holds/);
    const waited = performance.now() - start;
    assert.ok(waited > leaseMillis * 1.8 && waited < leaseMillis * 2 + 1500, `after ${waited} ms`);
    await lives.call("store", { at: 0, value: 8 });
  } finally {
    clearInterval(pings);
    raw.socket.destroy();
  }
  await lives.end();
});

test("a restarted home serves at once when nobody had a file open", { skip }, async () => {
  await using cluster = await FaultCluster.start({ nodes: 1, leaseMillis: 60_000 });
  await cluster.nodes[0].map("alone.bin", { size: pageBytes });
  await cluster.nodes[0].call("store", { at: 0, value: 5 });
  await cluster.nodes[0].end();
  await cluster.home.restart();
  const start = performance.now();
  const fresh = await cluster.add();
  await fresh.map("alone.bin");
  assert.equal(await fresh.call("load", { at: 0 }), 5);
  assert.ok(performance.now() - start < 5000, "no grace period of a minute");
  await fresh.end();
});

test("a restarted home serves as soon as the last survivor has claimed, long before the grace period ends", {
  skip,
}, async () => {
  await using cluster = await FaultCluster.start({ nodes: 3, leaseMillis: 60_000 });
  await cluster.mapEverywhere("soon.bin", { size: 3 * pageBytes });
  for (const [index, node] of cluster.nodes.entries())
    await node.call("store", { at: index * pageBytes, value: index + 1 });
  await cluster.home.restart();
  const start = performance.now();
  for (const node of cluster.nodes) {
    for (let page = 0; page < 3; page++) assert.equal(await node.call("load", { at: page * pageBytes }), page + 1);
  }
  assert.ok(performance.now() - start < 10_000, `it took ${performance.now() - start} ms`);
  await cluster.end();
});
