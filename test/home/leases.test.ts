import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { FrameType } from "../../src/core/wire/frame.js";
import { type FencedEvent, type Home, startHome } from "../../src/home/index.js";
import { until, within } from "../support/until.js";
import { lockRequest, page, RawNode } from "./raw-node.js";

const leaseMillis = 300;
let home: Home;
before(async () => {
  home = await startHome({ store: "memory", listen: "127.0.0.1:0", leaseMillis });
});
after(() => home.close());

function fencedOnce(name: string): Promise<FencedEvent> {
  const fenced = new Promise<FencedEvent>((resolve) => {
    const look = (event: FencedEvent) => {
      if (event.name !== name) return;
      home.off("fenced", look);
      resolve(event);
    };
    home.on("fenced", look);
  });
  return within(`${name} is fenced`, fenced);
}

/** A node that writes pages 0..4 of a file, and another one that waits for them. */
async function holderAndWaiter(name: string) {
  const { node: holder, welcome } = await RawNode.greet(home.port, `${name} holder`);
  const { node: waiter } = await RawNode.greet(home.port, `${name} waiter`);
  const { file } = await holder.request("open", { name, create: true, size: 10 * 4096 });
  await waiter.request("open", { name });
  await holder.granted(holder.acquire(file, 2, 0, 4));
  await holder.request("setLock", lockRequest({ file }));
  const lock = waiter.ask("setLock", lockRequest({ file, wait: true }));
  const asked = waiter.acquire(file, 2, 0, 4);
  await holder.next(FrameType.revoke);
  return { holder, waiter, welcome, file, lock, asked };
}

/** Keeps a node's lease while a promise is pending, as a real node's pings do. */
async function pinging<Value>(node: RawNode, promise: Promise<Value>): Promise<Value> {
  const timer = setInterval(() => node.send({ type: FrameType.ping }), leaseMillis / 5);
  try {
    return await promise;
  } finally {
    clearInterval(timer);
  }
}

test("a killed connection keeps its tokens for the lease, then they go to who waits, and the loss is told", async () => {
  const { holder, waiter, welcome, file, lock, asked } = await holderAndWaiter("killed");
  const fenced = fencedOnce("killed holder");
  const from = performance.now();
  holder.socket.resetAndDestroy();
  const grant = await pinging(waiter, waiter.granted(asked));
  const waited = performance.now() - from;
  assert.ok(waited >= leaseMillis * 0.9, `granted after ${waited} ms, within the lease`);
  assert.equal(grant.mode, 2);
  await waiter.answer(lock);
  const event = await fenced;
  assert.equal(event.node, welcome.node);
  assert.deepEqual(event.files, [{ name: "killed", ranges: [[0, 4]] }]);
  await waiter.outcome(waiter.write(file, 0, page(1)), FrameType.written);
  const status = await home.status();
  assert.ok(status.counters.fenced >= 1 && status.counters.connectionsLost >= 1);
  assert.equal(
    status.nodes.find(({ node }) => node === welcome.node),
    undefined,
  );
  waiter.socket.destroy();
});

test("while the lease runs, status shows the node as lost", async () => {
  const { node } = await RawNode.greet(home.port, "shown");
  node.socket.resetAndDestroy();
  await until("it is shown as lost", async () => {
    return (await home.status()).nodes.some(({ name, state }) => name === "shown" && state === "lost");
  });
});

test("a connected node that is silent is told that it is fenced, and cut off", async () => {
  const { node } = await RawNode.greet(home.port, "silent");
  const { json } = await node.next(FrameType.closing);
  assert.equal(json.code, "DMMAP_FENCED");
  await node.closed();
});

test("I25: a node that is asked what locks it holds, and does not say so for a lease, is fenced", async () => {
  const { node: deciding } = await RawNode.greet(home.port, "deciding");
  const { node: waiter } = await RawNode.greet(home.port, "asking");
  const { file } = await deciding.request("open", { name: "deciding", create: true, size: 4096 });
  await waiter.request("open", { name: "deciding" });
  for (let start = 0; start < 8; start++) await deciding.request("setLock", lockRequest({ file, start }));
  const fenced = fencedOnce("deciding");
  const lock = waiter.ask("setLock", lockRequest({ file, wait: true }));
  await pinging(deciding, pinging(waiter, waiter.answer(lock)));
  assert.match((await fenced).reason, /did not answer/);
});

test("a node that breaks the protocol each time that it is asked, and comes back, is fenced all the same", async () => {
  const { node: first, welcome } = await RawNode.greet(home.port, "breaking");
  const { node: waiter } = await RawNode.greet(home.port, "waits for the breaking");
  const { file } = await first.request("open", { name: "breaking", create: true, size: 4096 });
  await waiter.request("open", { name: "breaking" });
  for (let start = 0; start < 8; start++) await first.request("setLock", lockRequest({ file, start }));
  const fenced = fencedOnce("breaking");
  const lock = waiter.ask("setLock", lockRequest({ file, wait: true }));
  await first.next(FrameType.recallLocks);
  const over = new AbortController();
  const breaking = (async () => {
    for (let node = first; !over.signal.aborted; ) {
      node.send({ type: FrameType.grant });
      await node.closed();
      await delay(leaseMillis / 10);
      if (!over.signal.aborted) ({ node } = await RawNode.greet(home.port, "breaking again", welcome.session));
    }
  })();
  try {
    assert.match((await pinging(waiter, fenced)).reason, /did not answer/);
  } finally {
    over.abort();
    await breaking;
  }
  await pinging(waiter, waiter.answer(lock));
  waiter.socket.destroy();
});

test("a node that is heard keeps its lease", async () => {
  const { node } = await RawNode.greet(home.port, "pinger");
  const { node: silent } = await RawNode.greet(home.port, "later silent");
  await pinging(node, silent.closed());
  const { nodes } = await home.status();
  assert.ok(nodes.some(({ name, state }) => name === "pinger" && state === "connected"));
  node.socket.destroy();
});

test("a goodbye gives everything back at once, without fencing", async () => {
  const { holder, waiter, asked } = await holderAndWaiter("polite");
  const { counters: before } = await home.status();
  holder.send({ type: FrameType.goodbye });
  await waiter.granted(asked);
  assert.equal((await home.status()).counters.fenced, before.fenced);
  await holder.closed();
  waiter.socket.destroy();
});

test("I25: what locks a node holds is in force with the last part of it; parts before a lost connection are void", async () => {
  const { node: deciding, welcome } = await RawNode.greet(home.port, "in parts");
  const { node: waiter } = await RawNode.greet(home.port, "waits for parts");
  const { file } = await deciding.request("open", { name: "parts", create: true, size: 4096 });
  await waiter.request("open", { name: "parts" });
  for (let start = 0; start < 8; start++) await deciding.request("setLock", lockRequest({ file, start }));
  const part = (start: number, more: boolean) => {
    return { file, locks: [lockRequest({ file, owner: `${start}`, start, end: start + 1 })], more };
  };
  const first = waiter.ask("setLock", lockRequest({ file, owner: "first", start: 0, end: 1 }));
  await deciding.next(FrameType.recallLocks);
  await deciding.request("claimLocks", part(0, true));
  deciding.socket.resetAndDestroy();
  const { node: again } = await RawNode.greet(home.port, "in parts again", welcome.session);
  await again.request("claimLocks", part(1, true));
  await waiter.settled();
  assert.ok(!waiter.heard.some(({ request }) => request === first), "nothing is decided yet");
  assert.deepEqual(await again.request("claimLocks", part(2, false)), { lost: [] });
  await waiter.answer(first);
  for (const start of [1, 2]) {
    const lock = lockRequest({ file, owner: "later", start, end: start + 1 });
    await assert.rejects(waiter.request("setLock", lock), { code: "DMMAP_BUSY" });
  }
  await waiter.request("setLock", lockRequest({ file, owner: "later", start: 3 }));
  for (const node of [again, waiter]) node.socket.destroy();
});

test("a node that comes back within its lease goes on with what it claims; what it does not claim is free", async () => {
  const { holder, waiter, welcome, file, lock, asked } = await holderAndWaiter("back");
  holder.socket.resetAndDestroy();
  const { node: again, welcome: second } = await RawNode.greet(home.port, "back again", welcome.session);
  assert.equal(second.state, "resumed");
  assert.deepEqual([second.session, second.node, second.boot], [welcome.session, welcome.node, welcome.boot]);
  again.send({ type: FrameType.claim, file, mode: 1, start: 0, end: 2, epoch: 1 });
  again.send({ type: FrameType.claim, file, mode: 2, start: 8, end: 9, epoch: 1 });
  await again.request("claimLocks", { file, locks: [], more: false });
  const { size, refused } = await again.request("claimed", { file, epoch: 1, duty: 0 });
  assert.deepEqual([size, refused], [10 * 4096, [[8, 9]]], "what it never held is refused");
  const { start, end, mode } = await again.next(FrameType.revoke);
  assert.deepEqual([start, end, mode], [0, 4, 0], "the waiter's need is asked for again");
  again.release(file, 0, 0, 4, Number.MAX_SAFE_INTEGER);
  await waiter.granted(asked);
  await waiter.answer(lock);
  for (const node of [again, waiter]) node.socket.destroy();
});
