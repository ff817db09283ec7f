import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { NodeState } from "../node-state.js";

export interface ThreadsArgs {
  readonly map?: string;
  readonly threads: number;
  readonly at: readonly number[];
  readonly rounds: number;
}

/** Worker threads of the node's process, with the node's own map. */
export const threads = {
  async addInThreads(node: NodeState, { map, threads: count, at, rounds }: ThreadsArgs): Promise<number> {
    const handle = node.map(map).share();
    const workers = Array.from(
      { length: count },
      () => new Worker(new URL("./thread-program.js", import.meta.url), { workerData: { handle, at, rounds } }),
    );
    await Promise.all(workers.map((worker) => once(worker, "message")));
    const done = workers.map((worker) => once(worker, "message"));
    for (const worker of workers) worker.postMessage("go");
    await Promise.all(done);
    await Promise.all(workers.map((worker) => worker.terminate()));
    return count * at.length * rounds;
  },

  /** Threads that are at work, and stay there, when the process ends. */
  async leaveThreadsRunning(node: NodeState, { map, threads: count, at, rounds }: ThreadsArgs): Promise<void> {
    const handle = node.map(map).share();
    for (let index = 0; index < count; index++) {
      const worker = new Worker(new URL("./thread-program.js", import.meta.url), {
        workerData: { handle, at, rounds },
      });
      await once(worker, "message");
      worker.postMessage("go");
      worker.unref();
    }
  },
};
