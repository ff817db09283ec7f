import { parseArgs } from "node:util";
import { DifferentialStage } from "./differential-stage.js";

// Random steps on a local folder and on two mounts for as long as wanted: node dist/test/mount/differential-soak.js --minutes 10 [--seed N]
const { values } = parseArgs({ options: { minutes: { type: "string", default: "10" }, seed: { type: "string" } } });
const end = performance.now() + Number(values.minutes) * 60_000;
let seed = values.seed === undefined ? Math.floor(Math.random() * 1e9) : Number(values.seed);
let bad = 0;
let total = 0;
await using stage = await DifferentialStage.start();
for (; performance.now() < end; seed++) {
  const differences = await stage.run(seed);
  total++;
  if (differences === "") continue;
  bad++;
  console.log(`seed ${seed}: ${differences}`);
}
console.log(`${total} seeds, ${bad} with differences`);
process.exitCode = bad === 0 ? 0 : 1;
