import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { lacksUserfaultfd } from "../support/requires.js";
import { temporaryFolder } from "../support/temporary-folder.js";
import { until } from "../support/until.js";
import { FaultCluster, pageBytes } from "./fault-cluster.js";
import type { FaultNode } from "./fault-node.js";
import { seededRandom } from "./seeded-random.js";

const skip = lacksUserfaultfd();
const leaseMillis = 1000;
/** Far more than a pager thread takes to be scheduled on a busy machine; the test prints what it was. */
const windowMillisMax = 1000;

async function eventsOf(node: FaultNode, name: string): Promise<unknown[]> {
  return (await node.call("events", {})).filter(({ event }) => event === name).map(({ value }) => value);
}

test("R15: a node that was stopped beyond its lease comes back with fresh pages and a new session", {
  skip,
}, async (context) => {
  await using cluster = await FaultCluster.start({ nodes: 2, leaseMillis });
  await cluster.mapEverywhere("stopped.bin", { size: 8 * pageBytes });
  const [stopped, other] = cluster.nodes;
  await stopped.call("store32", { at: 0, value: 1 });
  await stopped.call("sync", {});
  assert.equal(await stopped.call("load32", { at: 0 }), 1);

  using folder = temporaryFolder();
  const ready = folder.at("ready");
  const watching = stopped.call("watchForStop", { at: 0, ready, gapMillis: leaseMillis });
  await until("it watches", () => existsSync(ready));
  await stopped.stop();
  await cluster.home.untilFenced(stopped.name);
  await other.call("store32", { at: 0, value: 2 });
  stopped.go();
  const { staleReads, staleMicros, fresh, pauseMillis } = await watching;
  context.diagnostic(
    `after ${Math.round(pauseMillis)} ms: ${staleReads} stale reads within ${staleMicros.toFixed(0)} µs`,
  );
  assert.equal(fresh, 2);
  assert.ok(staleMicros < windowMillisMax * 1000, `it saw the old value for ${staleMicros} µs`);
  assert.equal(await stopped.call("add32", { at: 0, value: 10 }), 2, "its map goes on");
  assert.equal(await other.call("load32", { at: 0 }), 12);
  assert.deepEqual(await eventsOf(stopped, "lost"), [], "it had nothing unsent");
  assert.equal(cluster.home.fenced.length, 1);
  await cluster.end();
});

test("R15: what it had not sent is lost, and told on both sides; its late frames change nothing", {
  skip,
}, async () => {
  await using cluster = await FaultCluster.start({ nodes: 2, leaseMillis });
  await cluster.mapEverywhere("late.bin", { size: 8 * pageBytes });
  const [stopped, other] = cluster.nodes;
  await stopped.call("open", { name: "late.bin", as: "again" });
  await stopped.call("hold", { offset: 2 * pageBytes, length: 2 * pageBytes, mode: "write" });
  await stopped.call("fill", { at: 2 * pageBytes, length: 2 * pageBytes, value: 7 });
  await stopped.stop();
  const { files } = await cluster.home.untilFenced(stopped.name);
  assert.ok(
    files[0].ranges.some(([from, to]) => from <= 2 && to >= 4),
    JSON.stringify(files),
  );
  await other.call("fill", { at: 2 * pageBytes, length: pageBytes, value: 1 });
  stopped.go();
  await until("it is told what it lost", async () => {
    const lost = (await stopped.call("events", {})).filter(({ event }) => event === "lost");
    if (lost.length === 0) return false;
    assert.deepEqual(
      lost.map(({ value }) => value),
      [{ offset: 2 * pageBytes, length: 2 * pageBytes }],
    );
    return true;
  });
  assert.match(stopped.errors, /stores to late\.bin, bytes 8192\.\.16384, are lost/);
  for (const node of cluster.nodes) {
    assert.equal(await node.call("load", { at: 2 * pageBytes }), 1);
    assert.equal(await node.call("load", { at: 3 * pageBytes }), 0, "lost, and nowhere back");
  }
  for (const file of ["main", "again"]) {
    await assert.rejects(stopped.call("sync", { file }), { code: "DMMAP_LOST" }, `${file} is told`);
    await stopped.call("sync", { file });
  }
  await stopped.call("store", { at: 3 * pageBytes, value: 3 });
  assert.equal(await other.call("load", { at: 3 * pageBytes }), 3, "it writes on, in its new session");
  await cluster.end();
});

test("a lock that was lost with the session says so at its release", { skip }, async () => {
  await using cluster = await FaultCluster.start({ nodes: 2, leaseMillis });
  await cluster.mapEverywhere("lock.bin", { size: pageBytes });
  const [stopped, other] = cluster.nodes;
  await stopped.call("lock", { start: 0, length: 0, mode: "exclusive" });
  await stopped.stop();
  await cluster.home.untilFenced(stopped.name);
  await other.call("lock", { start: 0, length: 0, mode: "exclusive" });
  stopped.go();
  await assert.rejects(stopped.call("unlock", {}), { code: "DMMAP_LOST" });
  await other.call("unlock", {});
  await cluster.end();
});

/**
 * 1. A node is stopped for so long that it may not act on its tokens any more, but not so long that its home gives them away.
 * 2. It runs again, takes its shared pages away, and finds its connection alive. 3. No pong on it can tell what the home has
 * done meanwhile: only a new hello.
 */
test("R15: stopped beyond what it may act on, and within what its home gives it, it asks anew and goes on", {
  skip,
}, async () => {
  await using cluster = await FaultCluster.start({ nodes: 2, leaseMillis: 4000 });
  await cluster.mapEverywhere("between.bin", { size: 4 * pageBytes });
  const [stopped, other] = cluster.nodes;
  await stopped.call("store32", { at: 0, value: 1 });
  await stopped.stop();
  await delay(3300);
  stopped.go();
  assert.equal(await stopped.call("load32", { at: pageBytes }), 0);
  assert.equal(await other.call("add32", { at: 0, value: 10 }), 1);
  assert.equal(await stopped.call("load32", { at: 0 }), 11);
  await cluster.end();
});

test("stopped for less than its lease, it goes on as if nothing had happened", { skip }, async (context) => {
  const random = seededRandom(context);
  await using cluster = await FaultCluster.start({ nodes: 2, leaseMillis: 4000 });
  await cluster.mapEverywhere("short.bin", { size: 4 * pageBytes });
  const [stopped, other] = cluster.nodes;
  const at = [0, pageBytes, 2 * pageBytes];
  const work = Promise.all(cluster.nodes.map((node) => node.call("addFor", { at, millis: 2500 })));
  for (let stop = 0; stop < 4; stop++) {
    await delay(random.between(50, 300));
    await stopped.stop();
    await delay(random.between(50, 500));
    stopped.go();
  }
  const [one, two] = await work;
  for (const [index, offset] of at.entries()) {
    assert.equal(await other.call("load32", { at: offset }), one[index] + two[index]);
  }
  assert.deepEqual(cluster.home.fenced, []);
  assert.equal((await cluster.home.status()).counters.connectionsLost, 0);
  assert.deepEqual(await eventsOf(stopped, "lost"), []);
  await cluster.end();
});

test("a home that is stopped for longer than the lease fences nobody: it has not been able to hear", {
  skip,
}, async () => {
  await using cluster = await FaultCluster.start({ nodes: 2, leaseMillis });
  await cluster.mapEverywhere("deaf.bin", { size: 2 * pageBytes });
  const [one, two] = cluster.nodes;
  await one.call("store32", { at: 0, value: 1 });
  cluster.home.signal("SIGSTOP");
  // Both lapse, and wait; the stores they have made are kept.
  await delay(leaseMillis * 1.5);
  cluster.home.signal("SIGCONT");
  assert.equal(await two.call("add32", { at: 0, value: 1 }), 1);
  assert.equal(await one.call("load32", { at: 0 }), 2);
  assert.deepEqual(await eventsOf(one, "lost"), []);
  await cluster.end();
});
