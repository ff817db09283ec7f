import { fork } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { simulate } from "./simulation.js";

const usage = `npm run sim -- --seed N            one run, with its transcript
npm run sim -- --seeds COUNT       so many runs, from --from (default 1), on all processors
  --from N       the first seed
  --quiet        no transcript
  --lines N      only the last N lines of the transcript (default 400)`;

interface Share {
  readonly runs: number;
  readonly steps: number;
  readonly failed: readonly { seed: number; message: string }[];
}

const failedMax = 10;

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    seeds: { type: "string" },
    from: { type: "string", default: "1" },
    lines: { type: "string", default: "400" },
    quiet: { type: "boolean", default: false },
    share: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

if (values.help || (values.seed === undefined && values.seeds === undefined)) console.log(usage);
else if (values.seed !== undefined) runOne(numberOf(values.seed));
else if (values.share !== undefined) process.send?.(runShare(values.share));
else await runMany(numberOf(values.from), numberOf(values.seeds ?? "0"));

function numberOf(text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  console.error(`not a number: ${text}\n${usage}`);
  process.exit(2);
}

function runOne(seed: number): void {
  const lines: string[] = [];
  try {
    simulate(seed, values.quiet ? undefined : (line) => lines.push(line));
    print(lines);
    console.log(`seed ${seed}: all promises kept`);
  } catch (error) {
    print(lines);
    console.error(`seed ${seed}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    console.error(`again with: npm run sim -- --seed ${seed}`);
    process.exitCode = 1;
  }
}

function print(lines: readonly string[]): void {
  const shown = lines.slice(-numberOf(values.lines));
  if (shown.length < lines.length)
    console.log(`(${lines.length - shown.length} lines before: --lines ${lines.length})`);
  for (const line of shown) console.log(line);
}

/** `first,step,end`: the seeds of one process. */
function runShare(share: string): Share {
  const [first, step, end] = share.split(",").map(Number);
  const failed: { seed: number; message: string }[] = [];
  let runs = 0;
  let steps = 0;
  for (let seed = first; seed < end && failed.length < failedMax; seed += step) {
    runs++;
    try {
      steps += simulate(seed).steps;
    } catch (error) {
      failed.push({ seed, message: error instanceof Error ? error.message : String(error) });
    }
  }
  return { runs, steps, failed };
}

async function runMany(from: number, count: number): Promise<void> {
  const started = performance.now();
  const workers = Math.max(1, Math.min(availableParallelism(), count));
  const shares = await Promise.all(
    Array.from({ length: workers }, (_, worker) => inProcess(`${from + worker},${workers},${from + count}`)),
  );
  const failed = shares.flatMap((share) => share.failed).sort((one, other) => one.seed - other.seed);
  const [runs, steps] = [sum(shares.map((share) => share.runs)), sum(shares.map((share) => share.steps))];
  const seconds = (performance.now() - started) / 1000;
  console.log(`${runs} seeds, ${steps} steps in ${seconds.toFixed(1)} s; ${failed.length} failed`);
  for (const { seed, message } of failed) console.error(`npm run sim -- --seed ${seed}    # ${message}`);
  if (failed.length > 0 || runs < count) process.exitCode = 1;
}

function inProcess(share: string): Promise<Share> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(import.meta.url), ["--seeds", "1", "--share", share]);
    child.once("message", (message) => resolve(message as Share));
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`a simulating process ended with code ${code}`)));
  });
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
