import type { NodeState } from "../node-state.js";
import { meet } from "./gate.js";

export interface AddArgs {
  readonly map?: string;
  /** Where the counters are, in bytes. */
  readonly at: readonly number[];
  readonly rounds: number;
  readonly ranks: number;
  /** Where the nodes meet before they begin, in bytes. */
  readonly gate: number;
}

export interface Added {
  readonly count: number;
  readonly longestWaitMillis: number;
  /** Times that somebody else had been at the counter meanwhile. */
  readonly handOvers: number;
}

/** Adds to counters that all nodes add to. */
export const counters = {
  addInt32(node: NodeState, { map, at, rounds, ranks, gate }: AddArgs): Added {
    const words = node.words(map);
    meet(words, gate / 4, ranks);
    return addTo(at, rounds, (offset) => Atomics.add(words, offset / 4, 1));
  },

  addBigInt64(node: NodeState, { map, at, rounds, ranks, gate }: AddArgs): Added {
    const words = new BigInt64Array(node.map(map).buffer);
    meet(node.words(map), gate / 4, ranks);
    return addTo(at, rounds, (offset) => Number(Atomics.add(words, offset / 8, 1n)));
  },

  /** Adds until everybody has been given the counter so many times. */
  addUntil(
    node: NodeState,
    { map, at, gate, ranks, handOvers }: { map?: string; at: number; gate: number; ranks: number; handOvers: number },
  ): Added {
    const words = node.words(map);
    const added = { count: 0, handOvers: 0, longestWaitMillis: 0 };
    const done = gate / 4 + 1;
    let last = -1;
    meet(words, gate / 4, ranks);
    for (const end = performance.now() + 25_000; Atomics.load(words, done) < ranks; ) {
      if (performance.now() > end) throw new Error(`only ${added.handOvers} hand-overs within 25 s`);
      const start = performance.now();
      const before = Atomics.add(words, at / 4, 1);
      added.longestWaitMillis = Math.max(added.longestWaitMillis, performance.now() - start);
      added.count++;
      if (before !== last && ++added.handOvers === handOvers) Atomics.add(words, done, 1);
      last = before + 1;
    }
    return added;
  },

  /** Reads counters as they are now. */
  sumInt32(node: NodeState, { map, at }: Pick<AddArgs, "map" | "at">): number {
    const words = node.words(map);
    return at.reduce((sum, offset) => sum + Atomics.load(words, offset / 4), 0);
  },

  sumBigInt64(node: NodeState, { map, at }: Pick<AddArgs, "map" | "at">): number {
    const words = new BigInt64Array(node.map(map).buffer);
    return at.reduce((sum, offset) => sum + Number(Atomics.load(words, offset / 8)), 0);
  },
};

function addTo(at: readonly number[], rounds: number, add: (offset: number) => number): Added {
  let count = 0;
  let handOvers = 0;
  let longestWaitMillis = 0;
  const last = new Map<number, number>();
  for (let round = 0; round < rounds; round++) {
    for (const offset of at) {
      const start = performance.now();
      const before = add(offset);
      longestWaitMillis = Math.max(longestWaitMillis, performance.now() - start);
      if (before !== last.get(offset)) handOvers++;
      last.set(offset, before + 1);
      count++;
    }
  }
  return { count, longestWaitMillis, handOvers };
}
