import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Program } from "../support/program.js";
import { lacksUserfaultfd } from "../support/requires.js";
import { temporaryFolder } from "../support/temporary-folder.js";
import { until } from "../support/until.js";
import { FaultCluster, pageBytes } from "./fault-cluster.js";
import { FaultNode } from "./fault-node.js";

const skip = lacksUserfaultfd();
const leaseMillis = 1500;
/** The home looks eight times a lease; the rest is for a busy machine. */
const slackMillis = 1000;

test("a node that is killed: others wait for its lease at most, what it shared is there, what is lost is told", {
  skip,
}, async () => {
  await using cluster = await FaultCluster.start({ nodes: 2, leaseMillis });
  await cluster.mapEverywhere("killed.bin", { size: 8 * pageBytes });
  const [dies, lives] = cluster.nodes;
  await dies.call("store", { at: 0, value: 1 });
  await dies.call("sync", {});
  await dies.call("store", { at: pageBytes, value: 2 });
  assert.equal(await lives.call("load", { at: pageBytes }), 2, "handed over");
  await dies.call("hold", { offset: 2 * pageBytes, length: 2 * pageBytes, mode: "write" });
  await dies.call("fill", { at: 2 * pageBytes, length: 2 * pageBytes, value: 9 });
  await dies.kill();
  const start = performance.now();
  assert.equal(await lives.call("add32", { at: 3 * pageBytes, value: 5 }), 0, "what it alone had is lost");
  const waited = performance.now() - start;
  assert.ok(waited < leaseMillis + slackMillis, `waited ${waited} ms for a lease of ${leaseMillis} ms`);
  assert.equal(await lives.call("load", { at: 0 }), 1, "synced");
  assert.equal(await lives.call("load", { at: pageBytes }), 2, "handed over");

  const { name, files, reason, atMillis } = await cluster.home.untilFenced(dies.name);
  assert.deepEqual(
    files.map((file) => file.name),
    ["killed.bin"],
  );
  assert.ok(
    files[0].ranges.some(([from, to]) => from <= 2 && to >= 4),
    `told: ${JSON.stringify(files)}`,
  );
  assert.match(reason, /^its connection was lost, and its lease ran out after [\d.]+ s$/);
  const { fencings, counters } = await cluster.home.status();
  assert.deepEqual(fencings[0], cluster.home.fenced[0]);
  assert.ok(Math.abs(Date.now() - atMillis) < 60_000);
  assert.deepEqual([name, counters.fenced], [dies.name, 1]);
  await lives.end();
});

test("a node that ends in order gives back at once: nobody waits for a lease", { skip }, async () => {
  const long = 60_000;
  await using cluster = await FaultCluster.start({ nodes: 3, leaseMillis: long });
  await cluster.mapEverywhere("ended.bin", { size: 8 * pageBytes });
  const [closes, exits, lives] = cluster.nodes;
  await closes.call("store", { at: 0, value: 1 });
  await exits.call("store", { at: pageBytes, value: 2 });
  await closes.call("closeAll", {});
  await exits.call("exit", { code: 3 });
  const start = performance.now();
  assert.equal(await lives.call("add32", { at: 0, value: 1 }), 1);
  assert.equal(await lives.call("add32", { at: pageBytes, value: 1 }), 2);
  assert.ok(performance.now() - start < Math.min(long / 2, 10_000), "well within the lease");
  assert.deepEqual(cluster.home.fenced, []);
  await lives.end();
});

test("R16: locks and holds of a killed node are free when its lease is over", { skip }, async () => {
  await using cluster = await FaultCluster.start({ nodes: 2, leaseMillis });
  await cluster.mapEverywhere("locked.bin", { size: 2 * pageBytes });
  const [dies, lives] = cluster.nodes;
  await dies.call("lock", { start: 0, length: 0, mode: "exclusive" });
  await dies.call("hold", { offset: 0, length: 2 * pageBytes, mode: "write" });
  const lock = lives.call("lock", { start: 0, length: 10, mode: "exclusive" });
  await until("its lock waits", async () => (await cluster.home.status()).files[0].locksWaiting === 1);
  await dies.kill();
  const start = performance.now();
  await lock;
  await lives.call("hold", { offset: 0, length: 2 * pageBytes, mode: "write" });
  assert.ok(performance.now() - start < leaseMillis + slackMillis);
  await lives.call("release", {});
  await lives.end();
});

test("`dmmap serve` says on standard error who was fenced, and which ranges are lost", { skip }, async () => {
  using folder = temporaryFolder();
  const script = fileURLToPath(new URL("../../src/cli/main.js", import.meta.url));
  using serve = new Program(script, ["serve", folder.path, "--listen", "127.0.0.1:0", "--lease", "0.5", "--json"]);
  const [line] = await serve.line(/^\{.*\}$/);
  const { url } = JSON.parse(line) as { url: string };
  await using node = await FaultNode.start("the node that dies", url);
  await node.map("logged.bin", { size: 4 * pageBytes });
  await node.call("hold", { offset: 0, length: pageBytes, mode: "write" });
  await node.kill();
  await until("it is said", () => /fenced/.test(serve.errors));
  assert.match(serve.errors, /\(the node that dies\) is fenced.*unsent stores are lost in logged\.bin pages 0 to/);
  using status = new Program(script, ["status", url]);
  await status.end();
  assert.match(status.lines.join("\n"), /Fenced last[^]*the node that dies +logged\.bin 0\.\./);
});
