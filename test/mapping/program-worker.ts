import { parentPort, workerData } from "node:worker_threads";
import { attach, type ViewHandle } from "../../src/mapping/index.js";
import type { Step } from "./program-thread.js";

const { handles } = workerData as { handles: ViewHandle[] };
const views = handles.map((handle) => attach(handle));

const steps: Record<Step["do"], (bytes: Uint8Array, step: Step) => number> = {
  load: (bytes, { index }) => bytes[index],
  store: (bytes, { index, value }) => (bytes[index] = value),
  /** Adds 1 to the u32 at `index`, `value` times. */
  count: (bytes, { index, value }) => {
    const words = new Uint32Array(bytes.buffer);
    for (let round = 0; round < value; round++) Atomics.add(words, index / 4, 1);
    return value;
  },
  /** Reads a byte of each page in turn for `value` milliseconds; every page must hold its number + 1 or 0. */
  scan: (bytes, { value }) => {
    const end = performance.now() + value;
    let touches = 0;
    while (performance.now() < end) {
      for (let page = 0; page < bytes.length / 4096; page++, touches++) {
        const seen = bytes[page * 4096 + (touches % 4096)];
        if (seen !== page + 1) throw new Error(`page ${page} shows ${seen}`);
      }
    }
    return touches;
  },
};

parentPort?.on("message", (step: Step) => {
  const bytes = new Uint8Array(views[step.view ?? 0].buffer);
  try {
    parentPort?.postMessage({ result: steps[step.do](bytes, step) });
  } catch (error) {
    parentPort?.postMessage({ error: String(error) });
  }
});
parentPort?.postMessage({ result: 0 });
