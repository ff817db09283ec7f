import { once } from "node:events";
import { appendFileSync } from "node:fs";
import { Worker } from "node:worker_threads";
import type { NodeState } from "../cluster/node-state.js";
import { type RecordArgs, recordHistory } from "./history-recorder.js";
import { type PatientCall, patientCalls } from "./patient-calls.js";
import { staleWindow } from "./stale-window.js";

const pageWords = 1024;

export interface TimedArgs {
  readonly map?: string;
  /** Works for this long. A fault that waits is part of the time. */
  readonly millis: number;
}

async function syncUnlessLost(map: { sync(): Promise<void> }): Promise<boolean> {
  try {
    await map.sync();
    return true;
  } catch (error) {
    if ((error as { code?: string }).code === "DMMAP_LOST") return false;
    throw error;
  }
}

function* rounds(millis: number): Generator<number> {
  const end = performance.now() + millis;
  for (let round = 0; performance.now() < end; round++) yield round;
}

/** What the cluster's programs cannot do: workloads that run for a time, and the view of a program under a fault. */
export const faultCommands = {
  ...staleWindow,

  /** Reads and writes words of a map, and records that. */
  async recordHistory(node: NodeState, { map, ...args }: RecordArgs & { map?: string }): Promise<number> {
    const words = node.words(map);
    return await recordHistory(
      {
        load: (at) => Atomics.load(words, at / 4),
        store: (at, value) => void Atomics.store(words, at / 4, value),
        sync: async () => await syncUnlessLost(node.map(map)),
      },
      args,
    );
  },

  /** Adds to counters in turn. @returns how much was added to each. */
  addFor(node: NodeState, { map, at, millis }: TimedArgs & { at: readonly number[] }): number[] {
    const words = node.words(map);
    const added = at.map(() => 0);
    for (const _round of rounds(millis)) {
      for (const [index, offset] of at.entries()) {
        for (let count = 0; count < 50; count++) Atomics.add(words, offset / 4, 1);
        added[index] += 50;
      }
    }
    return added;
  },

  async transferFor(node: NodeState, { map, millis, seed }: TimedArgs & { seed: number }): Promise<number> {
    const words = node.words(map);
    let random = seed;
    let done = 0;
    for (const _round of rounds(millis)) {
      random = (random * 1_103_515_245 + 12_345) % 2 ** 31;
      const from = random % pageWords;
      const to = pageWords + (Math.floor(random / pageWords) % pageWords);
      using _hold = await node.map(map).hold(0, 2 * pageWords * 4, "write");
      words[from] -= 7;
      words[to] += 7;
      done++;
    }
    return done;
  },

  async auditFor(node: NodeState, { map, millis }: TimedArgs): Promise<number> {
    const words = node.words(map);
    let done = 0;
    for (const _round of rounds(millis)) {
      using _hold = await node.map(map).hold(0, 2 * pageWords * 4, "read");
      const sum = words.subarray(0, 2 * pageWords).reduce((total, balance) => total + balance, 0);
      if (sum !== 0) throw new Error(`the sum of all accounts is ${sum} in audit ${done}`);
      done++;
    }
    return done;
  },

  /** Stamps whole pages under a hold, each page by turns with the others. */
  async stampFor(node: NodeState, { map, millis, pages, stamp }: TimedArgs & { pages: number; stamp: number }) {
    const words = node.words(map);
    let done = 0;
    for (const round of rounds(millis)) {
      const page = (round * 3 + stamp) % pages;
      using _hold = await node.map(map).hold(page * 4096, 4096, "write");
      words.fill(stamp * 1_000_000 + round, page * pageWords, (page + 1) * pageWords);
      done++;
    }
    return done;
  },

  async checkStampsFor(node: NodeState, { map, millis, pages }: TimedArgs & { pages: number }): Promise<number> {
    const words = node.words(map);
    let done = 0;
    for (const round of rounds(millis)) {
      const page = round % pages;
      using _hold = await node.map(map).hold(page * 4096, 4096, "read");
      const stamp = words[page * pageWords];
      const other = words.subarray(page * pageWords, (page + 1) * pageWords).findIndex((word) => word !== stamp);
      if (other >= 0) throw new Error(`page ${page} has two stamps: ${stamp}, and another at word ${other}`);
      done++;
    }
    return done;
  },

  /** Stores a rising number all over a page, syncs, and only then puts the number into a log outside the cluster. */
  async syncFor(node: NodeState, { map, millis, at, log }: TimedArgs & { at: number; log: string }): Promise<number> {
    const words = node.words(map);
    let last = 0;
    for (const round of rounds(millis)) {
      last = round + 1;
      words.fill(last, at / 4, at / 4 + pageWords);
      await node.map(map).sync();
      appendFileSync(log, `${last}\n`);
    }
    return last;
  },

  /** Hears of stalls, as a program does that wants to know. */
  listenForStalls(node: NodeState, { map }: { map?: string }): void {
    node.map(map).on("stall", (value) => node.events.push({ event: "stall", value }));
    node.map(map).on("resume", (value) => node.events.push({ event: "resume", value }));
  },

  /** Stores in another thread, which sleeps in the fault, so that the program's own thread hears events meanwhile. */
  async faultInThread(node: NodeState, { map, at, value }: { map?: string; at: number; value: number }): Promise<void> {
    const workerData = { handle: node.map(map).share(), at, value };
    const worker = new Worker(new URL("./fault-thread.js", import.meta.url), { workerData });
    await once(worker, "exit");
  },

  /** A call that gives up. @returns the code of its error, and how long that took. */
  async giveUp(
    node: NodeState,
    { call, timeout, abort }: { call: PatientCall; timeout?: number; abort?: number },
  ): Promise<{ code: string; millis: number }> {
    const patience = {
      ...(timeout === undefined ? {} : { timeout }),
      ...(abort === undefined ? {} : { signal: AbortSignal.timeout(abort) }),
    };
    const start = performance.now();
    try {
      await patientCalls[call](node, patience);
      return { code: "none", millis: performance.now() - start };
    } catch (error) {
      return { code: String((error as { code?: string }).code), millis: performance.now() - start };
    }
  },

  async giveUpClosing(
    node: NodeState,
    { what, timeout }: { what: "lock" | "file" | "volume"; timeout: number },
  ): Promise<string> {
    const call = {
      lock: () => node.lock().release({ timeout }),
      file: () => node.file().close({ timeout }),
      volume: () => node.volume().close({ timeout }),
    };
    return await call[what]().then(
      () => "none",
      (error: { code?: string }) => String(error.code),
    );
  },

  pid(): number {
    return process.pid;
  },
};
