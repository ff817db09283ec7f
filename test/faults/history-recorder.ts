import { closeSync, openSync, writeSync } from "node:fs";
import type { NodeState } from "../cluster/node-state.js";
import { Kind, recordBytes } from "./history.js";
import { SeededRandom } from "./seeded-random.js";

export interface RecordArgs {
  readonly map?: string;
  /** The file, outside the cluster, that the history goes to: each record before the next access. */
  readonly log: string;
  readonly rank: number;
  /** Where the words are, in bytes. The index in this list is the key. */
  readonly at: readonly number[];
  readonly millis: number;
  readonly seed: number;
  /** How many of 100 accesses are writes. */
  readonly writes: number;
  /** A `sync` after about so many accesses; 0 for none. */
  readonly syncEvery: number;
}

/** Values of different programs never collide, and those of one program rise. */
export const valuesPerProcess = 2 ** 24;
const burstMax = 6;
const nap = new Int32Array(new SharedArrayBuffer(4));

export const history = {
  /** Reads and writes words for a time, and puts every access on record. @returns how many. */
  async recordHistory(node: NodeState, args: RecordArgs): Promise<number> {
    const { at, rank, writes, syncEvery } = args;
    const words = node.words(args.map);
    const random = new SeededRandom(args.seed);
    const log = new Log(args.log);
    const end = performance.now() + args.millis;
    let value = rank * valuesPerProcess;
    let count = 0;
    while (performance.now() < end) {
      const key = random.between(0, at.length);
      for (let burst = random.between(1, burstMax); burst > 0; burst--, count++) {
        if (random.between(0, 100) < writes) log.write(words, at[key] / 4, key, ++value);
        else log.read(words, at[key] / 4, key);
      }
      if (syncEvery > 0 && random.between(0, syncEvery) < burstMax / 2) await log.sync(node.map(args.map));
      if (count % 50 < burstMax) await new Promise((resolve) => setImmediate(resolve));
      Atomics.wait(nap, 0, 0, 0.1); // The others want the pages too.
    }
    log.close();
    return count;
  },
};

class Log {
  readonly #fd: number;
  readonly #record = Buffer.alloc(recordBytes);

  constructor(path: string) {
    this.#fd = openSync(path, "a");
  }

  read(words: Int32Array, index: number, key: number): void {
    const start = micros();
    const value = Atomics.load(words, index);
    this.#put(Kind.read, key, value, start, micros());
  }

  /** Before and after: whoever is killed in between may have written, or not. */
  write(words: Int32Array, index: number, key: number, value: number): void {
    this.#put(Kind.writeBegins, key, value, micros(), 0);
    const start = micros();
    Atomics.store(words, index, value);
    this.#put(Kind.writeEnds, key, value, start, micros());
  }

  async sync(map: { sync(): Promise<void> }): Promise<void> {
    const start = micros();
    try {
      await map.sync();
    } catch (error) {
      // Told to a node that was fenced. Whether it was, by a fault of ours, is for the checker to say.
      if ((error as { code?: string }).code === "DMMAP_LOST") return;
      throw error;
    }
    this.#put(Kind.synced, 0, 0, start, micros());
  }

  close(): void {
    closeSync(this.#fd);
  }

  #put(kind: number, key: number, value: number, start: number, end: number): void {
    this.#record.writeInt32LE(kind, 0);
    this.#record.writeInt32LE(key, 4);
    this.#record.writeInt32LE(value, 8);
    this.#record.writeDoubleLE(start, 16);
    this.#record.writeDoubleLE(end, 24);
    writeSync(this.#fd, this.#record);
  }
}

/** CLOCK_MONOTONIC: the same in all processes of a machine. */
export function micros(): number {
  const [seconds, nanos] = process.hrtime();
  return seconds * 1e6 + nanos / 1000;
}
