import { parseArgs } from "node:util";
import { runHistory } from "./history-run.js";

// Histories under faults for as long as wanted: node dist/test/faults/soak.js --minutes 10 [--seed N] [--policy simple] [--mounts no]
const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    seed: { type: "string" },
    policy: { type: "string" },
    mounts: { type: "string" },
  },
});
const roundMillisMax = 30_000;
const end = performance.now() + Number(values.minutes) * 60_000;
let seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
let total = 0;
let bad = 0;
for (; performance.now() < end && bad === 0; seed++) {
  const policy = values.policy ?? (seed % 3 === 0 ? "simple" : "optimal");
  if (policy !== "optimal" && policy !== "simple") throw new TypeError(`--policy is optimal or simple, not ${policy}`);
  const withMounts = values.mounts === undefined ? seed % 2 === 0 : values.mounts === "yes";
  const millis = Math.min(roundMillisMax, end - performance.now());
  const { problems, story, accesses, faults } = await runHistory({ seed, millis, policy, withMounts });
  total += accesses;
  bad += problems.length;
  console.log(
    `seed ${seed} ${policy}${withMounts ? " mounts" : ""}: ${accesses} accesses, ${faults}: ${problems.length === 0 ? "atomic" : "NOT ATOMIC"}`,
  );
  for (const problem of problems.slice(0, 20)) console.log(`  ${problem}`);
  for (const line of story) console.log(`    ${line}`);
}
console.log(`${total} accesses, ${bad} violations`);
process.exitCode = bad === 0 ? 0 : 1;
