import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";

/** Seeds [from, from + count), all in one go. */
export interface Batch {
  readonly from: number;
  readonly count: number;
}

export interface BatchResult {
  readonly runs: number;
  readonly steps: number;
  readonly failed: readonly { seed: number; message: string }[];
}

export interface SeedRun extends Batch {
  /** No more is begun after so long. */
  readonly millis?: number;
  readonly jobs?: number | undefined;
}

const batchSeeds = 50;
const failedMax = 20;
const progressMillis = 10_000;

/** Runs seeds on all processors, tells how far it is when that takes long, and lists those that fail, each with what runs it again. */
export async function runSeeds(run: SeedRun): Promise<BatchResult> {
  const started = performance.now();
  const total = { runs: 0, steps: 0, failed: [] as { seed: number; message: string }[] };
  const batches = batchesOf(run, () => total.failed.length >= failedMax);
  const jobs = Math.max(1, Math.min(run.jobs ?? availableParallelism(), Math.ceil(run.count / batchSeeds)));
  let shownAt = started;
  const onResult = ({ runs, steps, failed }: BatchResult) => {
    total.runs += runs;
    total.steps += steps;
    total.failed.push(...failed);
    for (const { seed, message } of failed) console.error(lineOf(seed, message));
    if (performance.now() - shownAt < progressMillis) return;
    shownAt = performance.now();
    console.log(summaryOf(total, shownAt - started));
  };
  await Promise.all(Array.from({ length: jobs }, () => work(batches, onResult)));
  console.log(summaryOf(total, performance.now() - started));
  if (total.failed.length > 0) {
    process.exitCode = 1;
    console.error("failed:");
    for (const { seed, message } of total.failed.toSorted((one, other) => one.seed - other.seed)) {
      console.error(lineOf(seed, message));
    }
  }
  return total;
}

function lineOf(seed: number, message: string): string {
  return `npm run sim -- --seed ${seed}    # ${message}`;
}

function summaryOf({ runs, steps, failed }: BatchResult, millis: number): string {
  return `${runs} seeds, ${steps} steps in ${(millis / 1000).toFixed(1)} s; ${failed.length} failed`;
}

function* batchesOf(
  { from, count, millis = Number.POSITIVE_INFINITY }: SeedRun,
  isEnough: () => boolean,
): Generator<Batch> {
  const until = performance.now() + millis;
  for (let done = 0; done < count && performance.now() < until && !isEnough(); done += batchSeeds) {
    yield { from: from + done, count: Math.min(batchSeeds, count - done) };
  }
}

/** One process, for as long as there are batches. */
async function work(batches: Generator<Batch>, onResult: (result: BatchResult) => void): Promise<void> {
  const child = fork(fileURLToPath(new URL("seed-worker.js", import.meta.url)));
  try {
    for (const batch of batches) onResult(await ask(child, batch));
  } finally {
    child.disconnect();
  }
}

async function ask(child: ChildProcess, batch: Batch): Promise<BatchResult> {
  const ended = new AbortController();
  child.send(batch);
  try {
    return await Promise.race([
      once(child, "message", { signal: ended.signal }).then(([message]) => message as BatchResult),
      once(child, "exit", { signal: ended.signal }).then(([code]) => {
        throw new Error(`a simulating process ended with code ${code}, at seeds from ${batch.from}`);
      }),
    ]);
  } finally {
    ended.abort();
  }
}
