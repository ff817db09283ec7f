import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { after, test } from "node:test";
import { policies } from "../cluster/cluster.js";
import { FaultNode } from "../faults/fault-node.js";
import { lacksFuse, lacksUserfaultfd } from "../support/requires.js";
import { CompiledProgram } from "./compiled-program.js";
import { MountCluster } from "./mount-cluster.js";

const skip = lacksFuse() || lacksUserfaultfd();
const counters = new CompiledProgram("counters");
after(() => counters[Symbol.dispose]());
const count = 120; // Of three pages, 40 in each.
const seconds = 4;

for (const policy of policies) {
  test(`R1: programs with maps of the library and of mounts add to the same counters at once, and none is lost (${policy})`, {
    skip,
  }, async (context) => {
    await using cluster = await MountCluster.start();
    await using one = await FaultNode.start("one", cluster.home.url);
    await using other = await FaultNode.start("other", cluster.home.url);
    for (const node of [one, other]) await node.map("counters", { size: count * 100, policy });
    const at = Array.from({ length: count }, (_, index) => index * 100);
    const [mapped, mounted] = await Promise.all([
      Promise.all([one, other].map((node) => node.call("addFor", { at, millis: seconds * 1000 }))),
      Promise.all(cluster.mounts.map((mount) => counters.run([seconds, count, mount.at("counters")]))),
    ]);
    const byMounts = mounted.map(Number);
    context.diagnostic(`by maps ${mapped.map(([first]) => first).join(" and ")}, by mounts ${byMounts.join(" and ")}`);
    assert.ok(Math.min(...byMounts, ...mapped.flat()) > 0, "everybody had turns");
    for (const [index, offset] of at.entries()) {
      const total = byMounts.reduce((sum, rounds) => sum + rounds, mapped[0][index] + mapped[1][index]);
      assert.equal(await one.call("load32", { at: offset }), total, `counter ${index}`);
    }
    await one.end();
    await other.end();
  });
}

test("R4: a private map of the library and private maps of mounts keep what they wrote, and follow what they did not", {
  skip,
}, async () => {
  await using cluster = await MountCluster.start();
  const [mount] = cluster.mounts;
  await using node = await FaultNode.start("node", cluster.home.url);
  writeFileSync(mount.at("file"), Buffer.alloc(4 * 4096, 1));
  await node.map("file", {}, { sharing: "private" });
  await node.call("store", { at: 4096, value: 42 });
  assert.equal(await node.call("load", { at: 0 }), 1);
  writeFileSync(mount.at("file"), Buffer.alloc(4 * 4096, 2), { flag: "r+" });
  assert.equal(await node.call("load", { at: 0 }), 2);
  assert.equal(await node.call("load", { at: 4096 }), 42);
  writeFileSync(mount.at("file"), ""); // Cut to nothing,
  writeFileSync(mount.at("file"), Buffer.alloc(4 * 4096, 3)); // and written anew.
  assert.equal(await node.call("load", { at: 4096 }), 3, "the private page has gone with the cut");
  await node.end();
});
