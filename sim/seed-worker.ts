// One process of `seed-workers`: runs the seeds that it is told, until it is let go.
import type { Batch, BatchResult } from "./seed-workers.js";
import { simulate } from "./simulation.js";

process.on("message", (batch) => process.send?.(run(batch as Batch)));

function run({ from, count }: Batch): BatchResult {
  const failed: { seed: number; message: string }[] = [];
  let steps = 0;
  for (let seed = from; seed < from + count; seed++) {
    try {
      steps += simulate(seed).steps;
    } catch (error) {
      failed.push({ seed, message: error instanceof Error ? error.message : String(error) });
    }
  }
  return { runs: count, steps, failed };
}
