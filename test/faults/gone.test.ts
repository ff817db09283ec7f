import assert from "node:assert/strict";
import { readFileSync, rmSync, statSync } from "node:fs";
import { test } from "node:test";
import { lacksUserfaultfd } from "../support/requires.js";
import { until } from "../support/until.js";
import { FaultCluster, pageBytes } from "./fault-cluster.js";
import type { PatientCall } from "./patient-calls.js";

const skip = lacksUserfaultfd();

/** Those that want something of the file itself. */
const calls: readonly PatientCall[] = [
  ...(["hold", "prefetch", "map.sync", "sync", "read", "write", "truncate", "lock"] as const),
];

/** Two files, both with unsent stores of the first node; one of them is removed while the home is away. */
async function removed(): Promise<FaultCluster> {
  const cluster = await FaultCluster.start({ nodes: 2, leaseMillis: 20_000 });
  await cluster.mapEverywhere("gone.bin", { size: 4 * pageBytes });
  await cluster.mapEverywhere("other.bin", { size: 4 * pageBytes }, {}, "other");
  const [node, other] = cluster.nodes;
  await other.call("store32", { at: 0, value: 1 }); // The calls want this page, and have to ask for it.
  for (const map of ["main", "other"]) await node.call("store32", { map, at: 3 * pageBytes, value: 7 });
  await cluster.home.kill();
  rmSync(cluster.folder.at("gone.bin"));
  return cluster;
}

test("a file that was removed while its home was away: who waits for it, and who asks for it later, is told DMMAP_STALE", {
  skip,
}, async () => {
  await using cluster = await removed();
  const [node] = cluster.nodes;
  const waiting = calls.map((call) => node.call("giveUp", { call, timeout: 30_000 }));
  await cluster.home.start();
  for (const [index, { code }] of (await Promise.all(waiting)).entries())
    assert.equal(code, "DMMAP_STALE", `${calls[index]}, which waited`);
  assert.equal((await node.call("giveUp", { call: "sync", timeout: 10_000 })).code, "DMMAP_LOST", "told once");
  for (const call of calls)
    assert.equal((await node.call("giveUp", { call, timeout: 10_000 })).code, "DMMAP_STALE", call);
  await until("its loss is said", () => node.errors.includes("stores to gone.bin, bytes 12288..16384, are lost"));
  assert.equal(statSync(cluster.folder.at("other.bin")).size, 4 * pageBytes, "the other file is left alone");
  await node.call("closeFile", {});
  await node.call("closeFile", { file: "other" });
  assert.equal(readFileSync(cluster.folder.at("other.bin")).readInt32LE(3 * pageBytes), 7);
  await node.end();
});

test("a thread that waits in a fault for such a file stalls for that reason, and those of other files go on", {
  skip,
}, async () => {
  await using cluster = await removed();
  const [node] = cluster.nodes;
  await cluster.home.start();
  assert.equal((await node.call("giveUp", { call: "truncate", timeout: 30_000 })).code, "DMMAP_STALE");
  await node.call("faultInThread", { map: "other", at: pageBytes, value: 7 });
  void node.call("faultInThread", { at: pageBytes, value: 7 }).catch(() => undefined); // It waits until the program ends.
  await until("it stalls", () =>
    /a fault on page 1 of gone\.bin has waited for 1\.\d s: gone\.bin cannot be opened again: gone\.bin: .*ESTALE/.test(
      node.errors,
    ),
  );
  await node.kill();
});

test("a close that waits is done when its file turns out gone", {
  skip,
}, async () => {
  await using cluster = await removed();
  const [node] = cluster.nodes;
  const close = node.call("closeFile", {});
  await cluster.home.start();
  await close;
  await node.end();
});

test("a program that ends while it has a file that is gone loses nothing of other files", { skip }, async () => {
  await using cluster = await removed();
  const [node] = cluster.nodes;
  await cluster.home.start();
  assert.equal((await node.call("giveUp", { call: "truncate", timeout: 30_000 })).code, "DMMAP_STALE");
  await node.call("store32", { map: "other", at: 8, value: 9 });
  await node.call("endOpen", {});
  assert.deepEqual(await node.process.end(10_000), { code: 0, signal: null });
  assert.equal(readFileSync(cluster.folder.at("other.bin")).readInt32LE(8), 9);
});
