import { parseArgs } from "node:util";
import { asDirectIo, directIoChoices } from "../src/fuse/direct-io.js";
import { nowMicros } from "../src/kernel/clock.js";
import { CpuLatency, lacksCpuLatency } from "../src/kernel/cpu-latency.js";
import { fullScale, quickScale } from "./benchmark.js";
import { cachedTouch } from "./cached-touch.js";
import { coldScan } from "./cold-scan.js";
import { homeMemory, idleHome } from "./home-memory.js";
import { localFault } from "./local-fault.js";
import { fullMountScale, quickMountScale } from "./mount/mount-benchmark.js";
import { type MountFigures, measureMounts, mountBenchmarks } from "./mount/mount-suite.js";
import { formatMountTable } from "./mount/mount-table.js";
import { pingPong } from "./ping-pong.js";
import { remoteFault } from "./remote-fault.js";
import { type Result, runBenchmark } from "./rounds.js";
import { formatTable } from "./table.js";
import { writeUpgrade } from "./write-upgrade.js";

const benchmarks = [...cachedTouch, localFault, remoteFault, writeUpgrade, pingPong, coldScan, idleHome, homeMemory];

const names = [...benchmarks, ...mountBenchmarks].map(({ name }) => name);

const usage = `Usage: npm run bench -- [--quick] [--list] [--json] [--rounds N] [--cpu-latency MICROS] [--direct-io WHEN] [NAME ...]

Measures dmmap and, beside it in every round, a reference; prints medians and their ratio.
  --quick     little work and one round: does it run? No figures to judge by.
  --list      names the benchmarks, and measures nothing
  --rounds N  rounds for each benchmark (default 7)
  --json      the results as JSON
  --cpu-latency MICROS
              idle processors wake up within so long, whatever is measured; 0: they poll
  --direct-io WHEN
              of dmmap's mounts: ${directIoChoices.join(", ")} (default auto)
  NAME        only benchmarks whose name contains this ("mount:" for all of the mount's)`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: "boolean", default: false },
    list: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    rounds: { type: "string" },
    "cpu-latency": { type: "string" },
    "direct-io": { type: "string", default: "auto" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(usage);
  process.exit(0);
}
if (values.list) {
  console.log(names.join("\n"));
  process.exit(0);
}
const roundCount = Number(values.rounds ?? (values.quick ? 1 : 7));
if (!Number.isInteger(roundCount) || roundCount < 1) misuse("--rounds is a whole number above 0");
const latency = values["cpu-latency"];
if (latency !== undefined) {
  const lack = /^\d+$/.test(latency) ? lacksCpuLatency()?.message : "it is a whole number of microseconds";
  if (lack !== undefined) misuse(`--cpu-latency: ${lack}`);
  new CpuLatency(Number(latency)).hold(nowMicros()); // Until the end.
}
const directIo = asDirectIo(values["direct-io"]);
if (directIo === undefined) misuse(`--direct-io is one of ${directIoChoices.join(", ")}`);
const isChosen = ({ name }: { readonly name: string }) =>
  positionals.length === 0 || positionals.some((part) => name.includes(part));
const chosen = benchmarks.filter(isChosen);
const chosenOfMount = mountBenchmarks.filter(isChosen);
if (chosen.length + chosenOfMount.length === 0) misuse("no benchmark has such a name: --list names them");

const onStart = (name: string) => console.error(`bench: ${name}`);
const results: Result[] = [];
for (const benchmark of chosen) {
  onStart(benchmark.name);
  results.push(await runBenchmark(benchmark, values.quick ? quickScale : fullScale, roundCount));
}
let mountFigures: MountFigures = { volumes: [], results: [], missing: [] };
if (chosenOfMount.length > 0) {
  const scale = values.quick ? quickMountScale : fullMountScale;
  mountFigures = await measureMounts(chosenOfMount, { scale, roundCount, directIo }, onStart);
}
if (values.json) console.log(JSON.stringify([...results, ...mountFigures.results], undefined, 2));
else printTables(results, mountFigures);

function misuse(text: string): never {
  console.error(`bench: ${text}`);
  process.exit(2);
}

function printTables(ofLibrary: readonly Result[], ofMount: MountFigures): void {
  const rounds = `Medians of ${roundCount} round${roundCount === 1 ? "" : "s"}`;
  if (ofLibrary.length > 0) {
    console.log(`\n${formatTable(ofLibrary)}\n`);
    console.log(`${rounds}; ratio = dmmap / reference, of samples taken in turn.`);
  }
  if (chosenOfMount.length > 0) {
    console.log(`\n${formatMountTable(ofMount)}\n`);
    console.log(`${rounds}; × = how many times as fast dmmap is, of samples taken in turn.`);
  }
}
