import { parseArgs } from "node:util";
import { replay, type Script } from "./script.js";
import { runSeeds } from "./seed-workers.js";
import { shrink } from "./shrink.js";
import { scriptOf, simulate } from "./simulation.js";

const usage = `npm run sim -- --seed N            one run, with its transcript
npm run sim -- --seed N --shrink   of a run that fails, the least that still breaks the same promise, with its transcript
npm run sim -- --seeds COUNT       so many runs, from --from (default 1), on all processors
npm run sim -- --minutes M         fresh seeds, for so long; shows how far it is, and lists what fails

  --from N       the first seed
  --quiet        no transcript
  --lines N      only the last N lines of the transcript (default 400)
  --jobs N       processes at once (default: as many as there are processors)

Ends with code 1 if a run has broken a promise.`;

const shrinkMillisMax = 120_000;

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    seeds: { type: "string" },
    minutes: { type: "string" },
    shrink: { type: "boolean", default: false },
    from: { type: "string" },
    lines: { type: "string", default: "400" },
    jobs: { type: "string" },
    quiet: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

if (values.seed !== undefined && values.shrink) shrinkOne(numberOf(values.seed));
else if (values.seed !== undefined) runOne(numberOf(values.seed));
else if (values.minutes !== undefined) await soak(numberOf(values.minutes));
else if (values.seeds !== undefined) await runMany(numberOf(values.from ?? "1"), numberOf(values.seeds));
else console.log(usage);

function numberOf(text: string): number {
  const number = Number(text);
  if (Number.isFinite(number) && number >= 0) return number;
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
    console.error(`again with: npm run sim -- --seed ${seed}; less of it with --shrink`);
    process.exitCode = 1;
  }
}

function shrinkOne(seed: number): void {
  const script = scriptOf(seed);
  if (failureOf(script) === undefined) return console.log(`seed ${seed}: all promises kept, nothing to shrink`);
  const started = performance.now();
  const small = shrink(
    script,
    (candidate) => failureOf(candidate),
    () => performance.now() - started > shrinkMillisMax,
  );
  const lines: string[] = [];
  const failure = failureOf(small, (line) => lines.push(line));
  if (!values.quiet) print(lines);
  const { nodes, threads, pagesMax } = small.setting;
  console.error(`seed ${seed}, ${script.steps.length} steps shrunk to ${small.steps.length}: ${failure}`);
  console.error(
    `${nodes} nodes of ${threads} threads, ${pagesMax} pages; again with: npm run sim -- --seed ${seed} --shrink`,
  );
  process.exitCode = 1;
}

function failureOf(script: Script, trace?: (line: string) => void): string | undefined {
  try {
    replay(script, trace);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function print(lines: readonly string[]): void {
  const shown = lines.slice(-numberOf(values.lines));
  if (shown.length < lines.length)
    console.log(`(${lines.length - shown.length} lines before: --lines ${lines.length})`);
  for (const line of shown) console.log(line);
}

async function runMany(from: number, count: number): Promise<void> {
  const { runs } = await runSeeds({ from, count, jobs: jobs() });
  if (runs < count) process.exitCode = 1;
}

/** Other seeds at every call, as far as nobody says from where. */
async function soak(minutes: number): Promise<void> {
  const from = values.from === undefined ? Math.floor(Date.now() / 1000) * 10_000 : numberOf(values.from);
  console.log(`seeds from ${from}, for ${minutes} minutes`);
  await runSeeds({ from, count: Number.POSITIVE_INFINITY, millis: minutes * 60_000, jobs: jobs() });
}

function jobs(): number | undefined {
  return values.jobs === undefined ? undefined : numberOf(values.jobs);
}
