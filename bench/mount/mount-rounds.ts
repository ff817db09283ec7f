import { median } from "../rounds.js";
import { type MountBenchmark, type MountScale, WrongResult } from "./mount-benchmark.js";
import type { Volume } from "./volume.js";

export interface MountResult {
  readonly name: string;
  readonly unit: string;
  readonly expected: string;
  /** By the volume's name; undefined where what programs got was wrong. On dmmap that ends the benchmark. */
  readonly figures: Readonly<Record<string, number | undefined>>;
  /** How many times as fast as that volume dmmap was: the median over the rounds, each of samples taken in turn. */
  readonly speeds: Readonly<Record<string, number | undefined>>;
  readonly notes: readonly string[];
}

/** So many samples of each kind, some thousands of requests, are what V8 takes to compile what serves them. */
const warmUps = 4;

/**
 * Measures on all volumes in every round. Who goes first changes, so that nobody always finds the machine alike. What comes
 * before the first round does not count: a mount lives for days, and its first thousands of requests are not like the rest.
 */
export async function runMountBenchmark(
  benchmark: MountBenchmark,
  [dmmap, ...others]: readonly Volume[],
  scale: MountScale,
  roundCount: number,
): Promise<MountResult> {
  const volumes = [dmmap, ...others];
  const samples = new Map<Volume, number[]>(volumes.map((volume) => [volume, []]));
  const notes: string[] = [];
  for (let round = roundCount > 1 ? -1 : 0; round < roundCount; round++) {
    for (let turn = 0; turn < volumes.length; turn++) {
      const volume = volumes[(round + 1 + turn) % volumes.length];
      const found = samples.get(volume);
      if (found === undefined) continue;
      try {
        const repeats = round < 0 && volume === dmmap ? warmUps : 1;
        for (let repeat = 0; repeat < repeats; repeat++) {
          const id = `${benchmark.name.replace(/\W+/g, "-")}-${round + 1}-${repeat}`;
          const figure = await benchmark.sample(volume, scale, id);
          if (round >= 0) found.push(figure);
        }
      } catch (error) {
        if (volume === dmmap || !(error instanceof WrongResult)) throw error;
        samples.delete(volume);
        notes.push(`wrong on ${volume.name}: ${error.message}`);
      }
    }
  }
  const own = samples.get(dmmap);
  const { name, unit, expected, isRate } = benchmark;
  const speed = (other: readonly number[] | undefined) => {
    if (own === undefined || other === undefined) return undefined;
    return median(own.map((figure, round) => (isRate ? figure / other[round] : other[round] / figure)));
  };
  return {
    name,
    unit,
    expected,
    figures: Object.fromEntries(volumes.map((volume) => [volume.name, medianOf(samples.get(volume))])),
    speeds: Object.fromEntries(others.map((volume) => [volume.name, speed(samples.get(volume))])),
    notes,
  };
}

function medianOf(samples: readonly number[] | undefined): number | undefined {
  return samples === undefined ? undefined : median(samples);
}
