import assert from "node:assert/strict";
import { test } from "node:test";
import { policies } from "../cluster/cluster.js";
import { lacksFuse, lacksUserfaultfd } from "../support/requires.js";
import { runHistory } from "./history-run.js";
import { freshSeed } from "./seeded-random.js";

interface Run {
  readonly policy: (typeof policies)[number];
  readonly withMounts: boolean;
}

const runs: readonly Run[] = [
  ...policies.map((policy) => ({ policy, withMounts: false })),
  { policy: "optimal", withMounts: true },
];
const millis = 20_000;

for (const { policy, withMounts } of runs) {
  const who = withMounts ? "maps and mounts" : "maps";
  test(`R1: what programs read and write under faults is atomic (${who}, ${policy})`, {
    skip: lacksUserfaultfd() || (withMounts && lacksFuse()),
  }, async (context) => {
    const seed = freshSeed();
    const options = `--seed ${seed} --policy ${policy} --mounts ${withMounts ? "yes" : "no"}`;
    context.diagnostic(`again with: node dist/test/faults/soak.js ${options} --minutes 0.33`);
    const { problems, accesses, faults } = await runHistory({ seed, millis, policy, withMounts });
    context.diagnostic(`${accesses} accesses; ${faults}`);
    assert.deepEqual(problems.slice(0, 10), []);
    assert.ok(accesses > 1000, `only ${accesses} accesses`);
  });
}
