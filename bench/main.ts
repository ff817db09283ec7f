import { parseArgs } from "node:util";
import { fullScale, quickScale } from "./benchmark.js";
import { cachedTouch } from "./cached-touch.js";
import { coldScan } from "./cold-scan.js";
import { homeMemory, idleHome } from "./home-memory.js";
import { localFault } from "./local-fault.js";
import { pingPong } from "./ping-pong.js";
import { remoteFault } from "./remote-fault.js";
import { type Result, runBenchmark } from "./rounds.js";
import { formatTable } from "./table.js";
import { writeUpgrade } from "./write-upgrade.js";

const benchmarks = [...cachedTouch, localFault, remoteFault, writeUpgrade, pingPong, coldScan, idleHome, homeMemory];

const usage = `Usage: npm run bench -- [--quick] [--json] [--rounds N] [NAME ...]

Measures dmmap and, beside it in every round, a reference; prints medians and their ratio.
  --quick     little work and one round: does it run? No figures to judge by.
  --rounds N  rounds for each benchmark (default 7)
  --json      the results as JSON
  NAME        only benchmarks whose name contains this: ${benchmarks.map(({ name }) => `"${name}"`).join(", ")}`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    rounds: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(usage);
  process.exit(0);
}
const roundCount = Number(values.rounds ?? (values.quick ? 1 : 7));
if (!Number.isInteger(roundCount) || roundCount < 1) {
  console.error(`--rounds takes a count of at least 1\n\n${usage}`);
  process.exit(2);
}
const chosen = benchmarks.filter(
  ({ name }) => positionals.length === 0 || positionals.some((part) => name.includes(part)),
);
if (chosen.length === 0) {
  console.error(`no benchmark has such a name\n\n${usage}`);
  process.exit(2);
}

const results: Result[] = [];
for (const benchmark of chosen) {
  console.error(`bench: ${benchmark.name}`);
  results.push(await runBenchmark(benchmark, values.quick ? quickScale : fullScale, roundCount));
}
if (values.json) console.log(JSON.stringify(results, undefined, 2));
else {
  console.log(`\n${formatTable(results)}\n`);
  console.log(
    `Medians of ${roundCount} round${roundCount === 1 ? "" : "s"}; ratio = dmmap / reference, of samples taken in turn.`,
  );
}
