import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { policies } from "../cluster/cluster.js";
import { lacksUserfaultfd } from "../support/requires.js";
import { FaultCluster, pageBytes } from "./fault-cluster.js";
import { Proxy } from "./proxy.js";
import { seededRandom } from "./seeded-random.js";

const skip = lacksUserfaultfd();

for (const policy of policies) {
  test(`connections that break in the middle of frames, again and again: counters stay exact (${policy})`, {
    skip,
  }, async (context) => {
    const random = seededRandom(context);
    await using cluster = await FaultCluster.start({ nodes: 0, leaseMillis: 10_000 });
    await using proxy = await Proxy.start(() => cluster.home.port);
    for (let node = 0; node < 3; node++) await cluster.add({}, proxy.url);
    await cluster.mapEverywhere("cut.bin", { size: 40 * pageBytes, policy });
    const at = Array.from({ length: 20 }, (_, index) => 2 * index * pageBytes + 4 * index);
    const work = Promise.all(cluster.nodes.map((node) => node.call("addFor", { at, millis: 3000 })));
    const done = new AbortController();
    void work.catch(() => undefined).finally(() => done.abort());
    for (let round = 0; round < 60; round++) {
      proxy.faults.push({
        cutUpAfter: random.next() < 0.5 ? random.between(1, 200_000) : Infinity,
        cutDownAfter: random.between(1, 200_000),
      });
    }
    proxy.cut();
    while (!done.signal.aborted) {
      await delay(random.between(100, 500));
      proxy.cut();
      if (proxy.faults.length === 0) break;
    }
    proxy.faults.length = 0;
    const added = await work;
    context.diagnostic(`${proxy.cuts} cuts`);
    assert.ok(proxy.cuts >= 5);
    for (const [index, offset] of at.entries()) {
      const total = added.reduce((sum, counts) => sum + counts[index], 0);
      for (const node of cluster.nodes)
        assert.equal(await node.call("load32", { at: offset }), total, `counter ${index}`);
    }
    assert.deepEqual(cluster.home.fenced, []);
    await cluster.end();
  });
}

test("large transfers are cut at every kind of place, both ways, and end up whole", { skip }, async (context) => {
  const random = seededRandom(context);
  await using cluster = await FaultCluster.start({ nodes: 0, leaseMillis: 10_000 });
  await using proxy = await Proxy.start(() => cluster.home.port);
  for (let node = 0; node < 2; node++) await cluster.add({}, proxy.url);
  const pages = 2000;
  await cluster.mapEverywhere("large.bin", { size: pages * pageBytes });
  const [one, two] = cluster.nodes;
  for (let round = 1; round <= 6; round++) {
    const [writer, reader] = round % 2 === 0 ? [one, two] : [two, one];
    for (let cut = 0; cut < 4; cut++) {
      const after = random.between(1, pages * pageBytes);
      proxy.faults.push(random.next() < 0.5 ? { cutUpAfter: after } : { cutDownAfter: after });
    }
    proxy.cut();
    await writer.call("fill", { at: 0, length: pages * pageBytes, value: round });
    assert.equal(await reader.call("firstUnlike", { at: 0, length: pages * pageBytes, value: round }), -1);
    proxy.faults.length = 0;
  }
  context.diagnostic(`${proxy.cuts} cuts`);
  assert.deepEqual(cluster.home.fenced, []);
  await cluster.end();
});
