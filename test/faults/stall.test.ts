import assert from "node:assert/strict";
import { test } from "node:test";
import { lacksUserfaultfd } from "../support/requires.js";
import { until } from "../support/until.js";
import { FaultCluster, pageBytes } from "./fault-cluster.js";
import { type PatientCall, patientCalls } from "./patient-calls.js";

const skip = lacksUserfaultfd();
const calls = Object.keys(patientCalls) as PatientCall[];

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

for (const way of ["SIGKILL", "SIGSTOP"] as const) {
  test(`calls that return promises give up with coded errors while the home is away (${way})`, { skip }, async () => {
    await using cluster = await FaultCluster.start({ nodes: 1, leaseMillis: 20_000 });
    await cluster.mapEverywhere("away.bin", { size: 4 * pageBytes });
    const [node] = cluster.nodes;
    await node.call("open", { name: "other", as: "other", create: true });
    await (way === "SIGKILL" ? cluster.home.kill() : cluster.home.stop());
    for (const call of calls) {
      const late = await node.call("giveUp", { call, timeout: 50 });
      assert.equal(late.code, "DMMAP_TIMEOUT", call);
      const aborted = await node.call("giveUp", { call, abort: 20 });
      assert.equal(aborted.code, "DMMAP_ABORTED", call);
      assert.ok(late.millis < 5000 && aborted.millis < 5000, call);
    }
    if (way === "SIGKILL") await cluster.home.start();
    else cluster.home.signal("SIGCONT");
    for (const call of calls) {
      const { code } = await node.call("giveUp", { call, timeout: 10_000 });
      assert.equal(code, "none", call);
    }
    await node.call("closeFile", { file: "other" });
    const { files } = await cluster.home.status();
    assert.deepEqual(
      files.map(({ name }) => name),
      ["away.bin"],
      "what was opened for nobody has been closed",
    );
    await node.end();
  });

  test(`a program that has given up on the home (${way}), and ends, ends`, { skip }, async () => {
    await using cluster = await FaultCluster.start({ nodes: 1, leaseMillis: 20_000 });
    await cluster.mapEverywhere("left.bin", { size: 4 * pageBytes });
    const [node] = cluster.nodes;
    await node.call("open", { name: "other", as: "other", create: true });
    await node.call("store", { at: 0, value: 1 });
    if (way === "SIGKILL") await cluster.home.kill();
    else cluster.home.signal(way);
    for (const call of calls) await node.call("giveUp", { call, timeout: 10 });
    await node.call("endOpen", {});
    assert.deepEqual(await node.process.end(10_000), { code: 0, signal: null });
  });
}

test("close and release give up, too, and their program ends, and says what is lost", { skip }, async () => {
  await using cluster = await FaultCluster.start({ nodes: 2, leaseMillis: 20_000 });
  await cluster.mapEverywhere("closed.bin", { size: 4 * pageBytes });
  const [one, other] = cluster.nodes;
  await one.call("lock", { start: 0, length: 0, mode: "exclusive" });
  await one.call("store", { at: 0, value: 1 });
  await other.call("store", { at: 2 * pageBytes, value: 1 });
  await cluster.home.kill();
  assert.equal(await one.call("giveUpClosing", { what: "lock", timeout: 100 }), "DMMAP_TIMEOUT");
  assert.equal(await one.call("giveUpClosing", { what: "volume", timeout: 100 }), "DMMAP_TIMEOUT");
  assert.equal(await other.call("giveUpClosing", { what: "file", timeout: 100 }), "DMMAP_TIMEOUT");
  for (const [node, bytes] of [
    [one, "0..4096"],
    [other, "8192..12288"],
  ] as const) {
    await node.call("endOpen", {});
    assert.deepEqual(await node.process.end(10_000), { code: 0, signal: null });
    assert.ok(node.errors.includes(`stores to closed.bin, bytes ${bytes}, are lost`), node.errors);
  }
});

test("after `faultDeadline` a thread that waits in a fault is ended by SIGBUS; nobody else notices", {
  skip,
}, async () => {
  await using cluster = await FaultCluster.start({ nodes: 0, leaseMillis: 3000 });
  const patient = await cluster.add();
  const hasty = await cluster.add({ faultDeadline: 700 });
  await cluster.mapEverywhere("deadline.bin", { size: 8 * pageBytes });
  await patient.call("store", { at: 0, value: 1 });
  await cluster.home.kill();
  const waits = patient.call("load", { at: pageBytes });
  const start = performance.now();
  await assert.rejects(hasty.call("load", { at: 2 * pageBytes }), /SIGBUS/);
  assert.ok(performance.now() - start > 600);
  assert.deepEqual(await hasty.process.end(10_000), { code: null, signal: "SIGBUS" });
  await cluster.home.start();
  assert.equal(await waits, 0);
  assert.equal(await patient.call("load", { at: 0 }), 1);
  await patient.end();
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
