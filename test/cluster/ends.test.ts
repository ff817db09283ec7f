import assert from "node:assert/strict";
import { test } from "node:test";
import { Program } from "../support/program.js";
import { lacksUserfaultfd } from "../support/requires.js";
import { temporaryFolder } from "../support/temporary-folder.js";
import { until } from "../support/until.js";
import { Cluster, pageBytes } from "./cluster.js";
import { ClusterNode } from "./cluster-node.js";

const skip = lacksUserfaultfd();
const size = 8 * pageBytes;

/** A node with unsynced stores on several pages, and one that looks on. */
async function stage(): Promise<Cluster> {
  const cluster = await Cluster.start({ nodes: 2 });
  await cluster.mapEverywhere("file.bin", { size });
  for (let page = 0; page < 8; page++) await cluster.nodes[0].call("store", { at: page * pageBytes, value: page + 1 });
  return cluster;
}

async function assertStored(cluster: Cluster): Promise<void> {
  for (let page = 0; page < 8; page++) {
    assert.equal(await cluster.nodes[1].call("load", { at: page * pageBytes }), page + 1, `page ${page}`);
  }
  assert.equal(cluster.onDisk("file.bin")[7 * pageBytes], 8);
  assert.deepEqual(cluster.fenced, [], "it said goodbye");
}

test("a program that comes to its end with live maps ends by itself, and its stores are there", { skip }, async () => {
  await using cluster = await stage();
  await cluster.nodes[0].call("endOpen", {});
  assert.deepEqual(await cluster.nodes[0].end(5000), { code: 0, signal: null });
  await assertStored(cluster);
});

test("so it is at process.exit, whose code stays", { skip }, async () => {
  await using cluster = await stage();
  await cluster.nodes[0].call("exit", { code: 7 });
  assert.deepEqual(await cluster.nodes[0].end(5000), { code: 7, signal: null });
  await assertStored(cluster);
});

test("a store right before process.exit is not lost", { skip }, async () => {
  await using cluster = await stage();
  await cluster.nodes[0].call("storeAndExit", { at: 100, value: 55, code: 3 });
  assert.deepEqual(await cluster.nodes[0].end(5000), { code: 3, signal: null });
  assert.equal(cluster.nodes[0].errors, "", "nor reported as lost");
  assert.equal(await cluster.nodes[1].call("load", { at: 100 }), 55);
  await assertStored(cluster);
});

test("so it is at an uncaught exception", { skip }, async () => {
  await using cluster = await stage();
  await cluster.nodes[0].call("throwUncaught", {});
  assert.deepEqual(await cluster.nodes[0].end(5000), { code: 1, signal: null });
  assert.match(cluster.nodes[0].errors, /broken on purpose/);
  await assertStored(cluster);
});

test("while its worker threads are at work in a map, a program ends all the same", { skip }, async () => {
  await using cluster = await stage();
  const args = { threads: 2, at: [200], rounds: 1e9 };
  await cluster.nodes[0].call("leaveThreadsRunning", args);
  await until("the threads are at work", async () => (await cluster.nodes[1].call("load32", { at: 200 })) > 0);
  await cluster.nodes[0].call("exit", { code: 0 });
  assert.deepEqual(await cluster.nodes[0].end(8000), { code: 0, signal: null });
  await assertStored(cluster);
});

test("a program that waits in no fault ends in time though another node hammers its pages", { skip }, async () => {
  await using cluster = await stage();
  const hammer = cluster.nodes[1].call("addInt32", {
    at: [3000, pageBytes + 3000],
    rounds: 400_000,
    ranks: 1,
    gate: 3500,
  });
  await cluster.nodes[0].call("closeAll", {});
  assert.deepEqual(await cluster.nodes[0].end(5000), { code: 0, signal: null });
  await hammer;
  await assertStored(cluster);
});

test("a killed node: the others go on after its lease, and see what it had handed over", { skip }, async () => {
  await using cluster = await Cluster.start({ nodes: 2, leaseMillis: 1000 });
  await cluster.mapEverywhere("file.bin", { size });
  const [victim, other] = cluster.nodes;
  await victim.call("store", { at: 0, value: 11 });
  assert.equal(await other.call("load", { at: 0 }), 11, "handed over");
  await victim.call("store", { at: pageBytes, value: 12 });
  await victim.call("sync", {});
  await victim.call("hold", { offset: 0, length: size, mode: "write" });
  await victim.call("store", { at: 2 * pageBytes, value: 13 });
  victim.kill("SIGKILL");
  await victim.end();
  assert.equal(await other.call("add32", { at: 0, value: 1 }, 5000), 11);
  assert.equal(await other.call("load", { at: pageBytes }), 12, "what was synced is there");
  await other.call("fill", { at: 0, length: size, value: 3 });
  await other.call("sync", {});
  assert.equal(
    cluster.onDisk("file.bin").findIndex((byte) => byte !== 3),
    -1,
  );
  assert.equal(cluster.fenced.length, 1);
});

test("a stopped node is fenced after its lease; when it goes on, it sees what the others did meanwhile", {
  skip,
}, async () => {
  await using cluster = await Cluster.start({ nodes: 2, leaseMillis: 500 });
  await cluster.mapEverywhere("file.bin", { size });
  const [stopped, other] = cluster.nodes;
  await stopped.call("fill", { at: 0, length: size, value: 1 });
  await stopped.call("sync", {});
  stopped.kill("SIGSTOP");
  await other.call("fill", { at: 0, length: size, value: 2 }, 5000);
  await until("it is fenced", () => cluster.fenced.length === 1);
  stopped.kill("SIGCONT");
  await until("it has reconnected", async () =>
    (await stopped.call("events", {})).some((e) => e.event === "reconnect"),
  );
  assert.equal(await stopped.call("firstUnlike", { at: 0, length: size, value: 2 }), -1);
  await stopped.call("store", { at: 0, value: 5 });
  assert.equal(await other.call("load", { at: 0 }), 5);
});

test("while the home is away, a program with unsent stores ends in bounded time, and says that they are lost", {
  skip,
}, async () => {
  using folder = temporaryFolder();
  for (const signal of ["SIGKILL", "SIGSTOP"] as const) {
    using home = new Program(new URL("./home-program.js", import.meta.url), [folder.path, "127.0.0.1:0", "10000"]);
    const [, url] = await home.line(/home at (.*)/);
    await using node = await ClusterNode.start("node 0");
    await node.call("connect", { url });
    await node.call("open", { name: `${signal}.bin`, create: true, size });
    await node.call("map", {});
    await node.call("fill", { at: 0, length: size, value: 1 });
    home.kill(signal);
    await node.call("endOpen", {});
    assert.equal((await node.end(9000)).signal, null, `the home got ${signal}`);
    assert.match(node.errors, new RegExp(`stores to ${signal}\\.bin, bytes 0\\.\\.${size}, are lost`));
    home.kill("SIGKILL");
  }
});

test("while the home is away, a program whose thread sleeps in a fault can be ended", { skip }, async () => {
  using folder = temporaryFolder();
  using home = new Program(new URL("./home-program.js", import.meta.url), [folder.path, "127.0.0.1:0", "10000"]);
  const [, url] = await home.line(/home at (.*)/);
  await using node = await ClusterNode.start("node 0");
  await node.call("connect", { url });
  await node.call("open", { name: "file.bin", create: true, size });
  await node.call("map", {});
  home.kill("SIGKILL");
  await home.end();
  const sleeps = node.call("load", { at: 0 }).catch(() => "ended");
  await until("standard error says why it waits", () => /has waited for/.test(node.errors));
  node.kill("SIGTERM");
  assert.equal((await node.end(5000)).signal, "SIGTERM");
  assert.equal(await sleeps, "ended");
});
