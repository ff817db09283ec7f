import type { Benchmark, Contest, Scale } from "./benchmark.js";

export interface Result {
  readonly name: string;
  readonly unit: string;
  readonly dmmap: number;
  readonly reference: number;
  readonly referenceName: string;
  /** The median of the rounds' ratios: each compares two samples of the same second, so that the machine's drift cancels. */
  readonly ratio: number;
  readonly ratios: readonly number[];
  readonly target: string;
  readonly notes: readonly string[];
}

export async function runBenchmark(benchmark: Benchmark, scale: Scale, roundCount: number): Promise<Result> {
  const contest = await benchmark.open(scale);
  try {
    const warmUps = roundCount > 1 ? benchmark.warmUps : 0;
    for (let index = 0; index < warmUps; index++) await contest.dmmap();
    const rounds: Round[] = [];
    for (let index = 0; index < roundCount; index++) rounds.push(await runRound(contest, index));
    return {
      name: benchmark.name,
      unit: benchmark.unit,
      dmmap: median(rounds.map((round) => round.dmmap)),
      reference: median(rounds.map((round) => round.reference)),
      referenceName: benchmark.reference,
      ratio: median(rounds.map((round) => round.dmmap / round.reference)),
      ratios: rounds.map((round) => round.dmmap / round.reference),
      target: benchmark.target,
      notes: contest.notes?.() ?? [],
    };
  } finally {
    await contest.close();
  }
}

interface Round {
  readonly dmmap: number;
  readonly reference: number;
}

/** Who goes first alternates, so that neither always finds the machine as the other left it. */
async function runRound(contest: Contest, index: number): Promise<Round> {
  if (index % 2 === 0) {
    const reference = await contest.reference();
    return { reference, dmmap: await contest.dmmap() };
  }
  const dmmap = await contest.dmmap();
  return { dmmap, reference: await contest.reference() };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
