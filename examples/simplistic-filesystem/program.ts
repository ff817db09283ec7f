import { parentPort, workerData } from "node:worker_threads";
import { attach, type ViewHandle } from "../../src/mapping/index.js";

/** The program: ordinary loads and stores on memory that it takes for its own. */
const pageWords = 1024;
const rounds = 2_000_000;
const words = new Int32Array(attach(workerData as ViewHandle).buffer);
const counters = [0, 1, 2, 3].map((page) => page * pageWords + page);

parentPort?.on("message", (order: string) => {
  if (order === "count") {
    for (let round = 0; round < rounds; round++) Atomics.add(words, counters[round % counters.length], 1);
  }
  parentPort?.postMessage({ total: counters.reduce((sum, counter) => sum + Atomics.load(words, counter), 0) });
});
