import { workerData } from "node:worker_threads";
import { attach } from "../../src/index.js";

/** One store, from a thread that may sleep in it. */
const { handle, at, value } = workerData as { handle: Parameters<typeof attach>[0]; at: number; value: number };
const view = attach(handle);
new Uint8Array(view.buffer)[at] = value;
