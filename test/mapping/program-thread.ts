import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { ViewHandle } from "../../src/mapping/index.js";
import { within } from "../support/until.js";

export interface Step {
  readonly do: "load" | "store" | "count" | "scan";
  readonly view?: number;
  readonly index: number;
  readonly value: number;
}

/** A thread of the program that touches views, while the test's own thread is free to answer its faults. */
export class ProgramThread implements Disposable {
  readonly #worker: Worker;

  static async start(...handles: ViewHandle[]): Promise<ProgramThread> {
    const thread = new ProgramThread(handles);
    await thread.#answer();
    return thread;
  }

  private constructor(handles: ViewHandle[]) {
    this.#worker = new Worker(new URL("./program-worker.js", import.meta.url), { workerData: { handles } });
  }

  load(index: number, view = 0): Promise<number> {
    return this.run({ do: "load", index, value: 0, view });
  }

  store(index: number, value: number, view = 0): Promise<number> {
    return this.run({ do: "store", index, value, view });
  }

  run(step: Step): Promise<number> {
    const answer = this.#answer();
    this.#worker.postMessage(step);
    return answer;
  }

  /** Runs a step again and again for as long as the condition holds. @returns the sum of the results. */
  async repeat(step: Step, condition: () => boolean): Promise<number> {
    let sum = 0;
    while (condition()) sum += await this.run(step);
    return sum;
  }

  /** Does not wait for its end: it may sleep in a fault until the stage, which goes after it, closes the mapping. */
  [Symbol.dispose](): void {
    void this.#worker.terminate();
  }

  async #answer(): Promise<number> {
    const [{ result, error }] = await within("a thread's touch", once(this.#worker, "message"), 30_000);
    if (error !== undefined) throw new Error(error);
    return result as number;
  }
}

/** Several, over the same views. */
export class ProgramThreads implements Disposable {
  readonly all: readonly ProgramThread[];

  static async start(count: number, ...handles: ViewHandle[]): Promise<ProgramThreads> {
    return new ProgramThreads(await Promise.all(Array.from({ length: count }, () => ProgramThread.start(...handles))));
  }

  private constructor(all: readonly ProgramThread[]) {
    this.all = all;
  }

  [Symbol.dispose](): void {
    for (const thread of this.all) thread[Symbol.dispose]();
  }
}
