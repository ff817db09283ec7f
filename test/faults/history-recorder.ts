import { closeSync, openSync, writeSync } from "node:fs";
import { Kind, recordBytes } from "./history.js";
import { SeededRandom } from "./seeded-random.js";

export interface RecordArgs {
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

/** Words of 32 bits of a file, however a program gets at them. */
export interface Words {
  load(at: number): number;
  store(at: number, value: number): void;
  /** False: stores were lost before it, and this is how a program is told. */
  sync(): Promise<boolean>;
}

/** Values of different programs never collide, and those of one program rise. */
export const valuesPerProcess = 2 ** 24;
const burstMax = 6;
const nap = new Int32Array(new SharedArrayBuffer(4));

/** Reads and writes words for a time, and puts every access on record. @returns how many. */
export async function recordHistory(words: Words, args: RecordArgs): Promise<number> {
  const { at, rank, writes, syncEvery } = args;
  const random = new SeededRandom(args.seed);
  const log = new Log(args.log, words);
  const end = performance.now() + args.millis;
  let value = rank * valuesPerProcess;
  let count = 0;
  while (performance.now() < end) {
    const key = random.between(0, at.length);
    for (let burst = random.between(1, burstMax); burst > 0; burst--, count++) {
      if (random.between(0, 100) < writes) log.write(at[key], key, ++value);
      else log.read(at[key], key);
    }
    if (syncEvery > 0 && random.between(0, syncEvery) < burstMax / 2) await log.sync();
    if (count % 50 < burstMax) await new Promise((resolve) => setImmediate(resolve));
    Atomics.wait(nap, 0, 0, 0.1); // The others want the pages too.
  }
  log.close();
  return count;
}

class Log {
  readonly #fd: number;
  readonly #record = Buffer.alloc(recordBytes);
  readonly #words: Words;

  constructor(path: string, words: Words) {
    this.#fd = openSync(path, "a");
    this.#words = words;
  }

  read(at: number, key: number): void {
    const start = micros();
    const value = this.#words.load(at);
    this.#put(Kind.read, key, value, start, micros());
  }

  /** Before and after: whoever is killed in between may have written, or not. */
  write(at: number, key: number, value: number): void {
    this.#put(Kind.writeBegins, key, value, micros(), 0);
    const start = micros();
    this.#words.store(at, value);
    this.#put(Kind.writeEnds, key, value, start, micros());
  }

  async sync(): Promise<void> {
    const start = micros();
    // Whether stores were lost by a fault of ours is for the checker to say.
    if (await this.#words.sync()) this.#put(Kind.synced, 0, 0, start, micros());
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
