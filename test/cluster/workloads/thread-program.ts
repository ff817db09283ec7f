import { parentPort, workerData } from "node:worker_threads";
import { attach, type ViewHandle } from "../../../src/index.js";

/** A worker thread that adds to the counters of a map that another thread opened. */
const { handle, at, rounds } = workerData as { handle: ViewHandle; at: readonly number[]; rounds: number };
const view = attach(handle);
const words = new Int32Array(view.buffer);
parentPort?.once("message", () => {
  for (let round = 0; round < rounds; round++) for (const offset of at) Atomics.add(words, offset / 4, 1);
  view.close();
  parentPort?.postMessage("done");
});
parentPort?.postMessage("ready");
