import assert from "node:assert/strict";
import { test } from "node:test";
import { lacksUserfaultfd } from "../support/requires.js";
import { until } from "../support/until.js";
import { FaultCluster, pageBytes } from "./fault-cluster.js";

const skip = lacksUserfaultfd();
const calls = ["hold", "prefetch", "sync", "read", "write", "truncate", "lock"] as const;

interface Stall {
  readonly offset: number;
  readonly seconds: number;
  readonly reason: string;
}

test("a fault that waits for more than a second raises stall with its reason, and resume when it goes on", {
  skip,
}, async () => {
  await using cluster = await FaultCluster.start({ nodes: 1, leaseMillis: 20_000 });
  await cluster.mapEverywhere("stall.bin", { size: 8 * pageBytes });
  const [node] = cluster.nodes;
  await node.call("listenForStalls", {});
  await node.call("load", { at: 0 });
  await cluster.home.kill();
  // A write waits as a fault does, and leaves the program's own thread free to hear.
  const write = node.call("faultInThread", { at: 5 * pageBytes, value: 7 });
  const events: { event: string; value: unknown }[] = [];
  const heard = async (name: string) => {
    events.push(...(await node.call("events", {})));
    return events.some(({ event }) => event === name);
  };
  await until("it stalls", () => heard("stall"));
  assert.equal(await heard("resume"), false);
  await cluster.home.start();
  await write;
  await until("it resumes", () => heard("resume"));
  const stall = events.find(({ event }) => event === "stall")?.value as Stall;
  assert.equal(stall.offset, 5 * pageBytes);
  assert.ok(stall.seconds >= 1);
  assert.match(stall.reason, /127\.0\.0\.1:\d+ cannot be reached/);
  assert.doesNotMatch(node.errors, /has waited/, "whoever listens is told, not standard error");
  assert.equal(await node.call("load", { at: 5 * pageBytes }), 7);
  await node.end();
});

test("when nobody listens, standard error is told of a stall and of its end", { skip }, async () => {
  await using cluster = await FaultCluster.start({ nodes: 1, leaseMillis: 20_000 });
  await cluster.mapEverywhere("stall.bin", { size: 2 * pageBytes });
  const [node] = cluster.nodes;
  await cluster.home.kill();
  const load = node.call("load", { at: pageBytes });
  await until("it is said", () =>
    /a fault on page 1 of stall\.bin has waited for 1\.\d s: .*cannot be reached/.test(node.errors),
  );
  await cluster.home.start();
  await load;
  await until("so is its end", () => /the fault on stall\.bin goes on after/.test(node.errors));
  await node.end();
});

test("calls that return promises give up with coded errors while the home is away", { skip }, async () => {
  await using cluster = await FaultCluster.start({ nodes: 1, leaseMillis: 20_000 });
  await cluster.mapEverywhere("away.bin", { size: 4 * pageBytes });
  const [node] = cluster.nodes;
  await cluster.home.kill();
  for (const call of calls) {
    const late = await node.call("giveUp", { call, timeout: 100 });
    assert.equal(late.code, "DMMAP_TIMEOUT", call);
    const aborted = await node.call("giveUp", { call, abort: 50 });
    assert.equal(aborted.code, "DMMAP_ABORTED", call);
    assert.ok(late.millis < 5000 && aborted.millis < 5000, call);
  }
  await cluster.home.start();
  for (const call of calls) assert.equal((await node.call("giveUp", { call, timeout: 10_000 })).code, "none", call);
  await node.kill();
});

for (const way of ["endOpen", "exit"] as const) {
  test(`a program that ends (${way}) while the home is away ends, and does not wait for it`, { skip }, async () => {
    await using cluster = await FaultCluster.start({ nodes: 1, leaseMillis: 20_000 });
    await cluster.mapEverywhere("gone.bin", { size: 4 * pageBytes });
    const [node] = cluster.nodes;
    await node.call("store", { at: 0, value: 1 });
    await cluster.home.kill();
    if (way === "exit") await node.call("exit", { code: 0 });
    else await node.call("endOpen", {});
    assert.deepEqual(await node.process.end(10_000), { code: 0, signal: null });
    assert.match(node.errors, /stores to gone\.bin, bytes 0\.\.4096, are lost/, "and says what that cost");
  });
}
