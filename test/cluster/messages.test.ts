import assert from "node:assert/strict";
import { test } from "node:test";
import { lacksUserfaultfd } from "../support/requires.js";
import { Cluster, pageBytes, policies } from "./cluster.js";
import { ringBytes } from "./workloads/ring.js";

const skip = lacksUserfaultfd();

for (const policy of policies) {
  test(`a ring of messages: each arrives once and in order (${policy})`, { skip }, async () => {
    await using cluster = await Cluster.start({ nodes: 3 });
    const [one, two, three] = cluster.nodes;
    await cluster.mapEverywhere("there.bin", { size: ringBytes, policy }, {}, "there");
    await cluster.mapEverywhere("on.bin", { size: ringBytes, policy }, {}, "on");
    const messages = 1200;
    const limit = 60_000;
    await Promise.all([
      one.call("sendMessages", { map: "there", messages }, limit),
      two.call("receiveMessages", { map: "there", messages }, limit),
    ]);
    await Promise.all([
      two.call("sendMessages", { map: "on", messages: 300 }, limit),
      three.call("receiveMessages", { map: "on", messages: 300 }, limit),
    ]);
    await cluster.end();
  });

  test(`a bank: the sum of all accounts never changes (${policy})`, { skip }, async () => {
    await using cluster = await Cluster.start({ nodes: 3 });
    await cluster.mapEverywhere("bank.bin", { size: 2 * pageBytes, policy });
    const [one, two, three] = cluster.nodes;
    await Promise.all([
      one.call("transferMoney", { rounds: 250, seed: 1 }),
      two.call("transferMoney", { rounds: 250, seed: 2 }),
      three.call("auditBank", { rounds: 150 }),
      one.call("auditBank", { rounds: 50 }),
    ]);
    const fresh = await cluster.add();
    await fresh.call("open", { name: "bank.bin" });
    await fresh.call("map", {});
    await fresh.call("auditBank", { rounds: 1 });
    await cluster.end();
  });

  for (const nodes of [2, 3]) {
    test(`R10: ${nodes} nodes pass a ball: progress is bounded (${policy})`, { skip }, async () => {
      await using cluster = await Cluster.start({ nodes });
      await cluster.mapEverywhere("ball.bin", { size: pageBytes, policy });
      const turns = 150;
      const waits = await Promise.all(
        cluster.nodes.map((node, rank) => node.call("passBall", { at: 0, rank, ranks: nodes, turns })),
      );
      assert.equal(await cluster.nodes[0].call("load32", { at: 0 }), nodes * turns);
      assert.ok(Math.max(...waits) < 2000, `the longest wait for a turn was ${Math.max(...waits)} ms`);
    });
  }

  test(`R10: nobody starves at a counter that all want (${policy})`, { skip }, async () => {
    await using cluster = await Cluster.start({ nodes: 3 });
    await cluster.mapEverywhere("counter.bin", { size: 2 * pageBytes, policy });
    const shares = await Promise.all(
      cluster.nodes.map((node) => node.call("addUntil", { at: pageBytes, gate: 0, ranks: 3, handOvers: 60 })),
    );
    const total = shares.reduce((sum, { count }) => sum + count, 0);
    assert.equal(await cluster.nodes[1].call("load32", { at: pageBytes }), total);
    const longest = Math.max(...shares.map(({ longestWaitMillis }) => longestWaitMillis));
    assert.ok(longest < 2000, `the longest wait was ${longest} ms`);
    for (const { handOvers } of shares) assert.ok(handOvers >= 60, `everybody had their turns: ${handOvers}`);
  });
}

test("R10: readers do not starve a writer, nor a writer readers", { skip }, async () => {
  await using cluster = await Cluster.start({ nodes: 4 });
  await cluster.mapEverywhere("page.bin", { size: 3 * pageBytes });
  // The writer counts on; each reader is through when it has seen the count move often enough.
  const args = { ranks: 4, rounds: 60, gate: 0, x: pageBytes, y: 2 * pageBytes };
  const looks = await Promise.all(
    cluster.nodes.map((node, rank) => node.call("watchCounter", { ...args, rank }, 40_000)),
  );
  assert.ok(looks.every((count) => count >= 60));
});
