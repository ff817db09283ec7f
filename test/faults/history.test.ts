import assert from "node:assert/strict";
import { test } from "node:test";
import { policies } from "../cluster/cluster.js";
import { lacksUserfaultfd } from "../support/requires.js";
import { runHistory } from "./history-run.js";
import { freshSeed } from "./seeded-random.js";

for (const policy of policies) {
  test(`R1: what programs read and write under faults is atomic (${policy})`, {
    skip: lacksUserfaultfd(),
  }, async (context) => {
    const seed = freshSeed();
    context.diagnostic(`again with: node dist/test/faults/soak.js --seed ${seed} --policy ${policy} --minutes 0.3`);
    const { problems, accesses, faults } = await runHistory({ seed, millis: 12_000, policy });
    context.diagnostic(`${accesses} accesses; ${faults}`);
    assert.deepEqual(problems.slice(0, 10), []);
    assert.ok(accesses > 1000, `only ${accesses} accesses`);
  });
}
