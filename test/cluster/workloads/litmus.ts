import type { NodeState } from "../node-state.js";
import { meet, spinUntil } from "./gate.js";

export interface LitmusArgs {
  readonly map?: string;
  /** A map of the same file through which this node looks. */
  readonly eyes?: string;
  readonly rank: number;
  readonly ranks: number;
  readonly rounds: number;
  readonly gate: number;
  /** Where the words are, in bytes: each on a page of its own. */
  readonly x: number;
  readonly y: number;
}

/** Small programs whose outcome tells whether memory is sequentially consistent. */
export const litmus = {
  /**
   * Everybody looks at a counter that rank 0 advances, and tells the others the newest value seen. Nobody may then see
   * an older one. Over for everybody when each has seen it advance `rounds` times.
   *
   * @returns how often this rank looked.
   */
  watchCounter(node: NodeState, { map, eyes, rank, ranks, rounds, gate, x, y }: LitmusArgs): number {
    const words = node.words(map);
    const looking = node.words(eyes ?? map);
    const done = gate / 4 + 1;
    let looks = 0;
    let advances = 0;
    let last = 0;
    meet(words, gate / 4, ranks);
    spinUntil(`${ranks} nodes have each seen a counter advance ${rounds} times`, () => {
      if (rank === 0) Atomics.add(words, x / 4, 1);
      const told = Atomics.load(words, y / 4);
      const value = Atomics.load(looking, x / 4);
      if (value < told) throw new Error(`rank ${rank} was told of ${told} and then saw ${value}`);
      if (value < last) throw new Error(`rank ${rank} saw ${last} and then ${value}`);
      if (value > last && ++advances === rounds) Atomics.add(words, done, 1);
      last = value;
      raise(words, y / 4, value);
      looks++;
      return Atomics.load(words, done) === ranks;
    });
    return looks;
  },

  /**
   * Store buffering: two nodes each store to their word and then load the other's. Not both may find nothing. The words
   * count rounds, so that nobody has to clear them.
   *
   * @returns how often this rank found the other's store.
   */
  storeThenLoad(node: NodeState, { map, rank, rounds, gate, x, y }: LitmusArgs): number[] {
    const words = node.words(map);
    const [mine, other] = rank === 0 ? [x / 4, y / 4] : [y / 4, x / 4];
    const found: number[] = [];
    for (let round = 1; round <= rounds; round++) {
      meet(words, gate / 4, 2);
      Atomics.store(words, mine, round);
      if (Atomics.load(words, other) === round) found.push(round);
      meet(words, gate / 4, 2);
    }
    return found;
  },

  /**
   * Independent reads of independent writes: ranks 0 and 1 write x and y, ranks 2 and 3 read them in opposite order. They
   * must not disagree on which came first.
   *
   * @returns by round, what this rank saw: first and second word.
   */
  readWrites(node: NodeState, { map, rank, ranks, rounds, gate, x, y }: LitmusArgs): [boolean, boolean][] {
    const words = node.words(map);
    const seen: [boolean, boolean][] = [];
    const [first, second] = rank === 2 ? [x / 4, y / 4] : [y / 4, x / 4];
    for (let round = 1; round <= rounds; round++) {
      meet(words, gate / 4, ranks);
      if (rank === 0) Atomics.store(words, x / 4, round);
      else if (rank === 1) Atomics.store(words, y / 4, round);
      else seen.push([Atomics.load(words, first) === round, Atomics.load(words, second) === round]);
      meet(words, gate / 4, ranks);
    }
    return seen;
  },
};

function raise(words: Int32Array, index: number, value: number): void {
  for (let current = Atomics.load(words, index); current < value; ) {
    const before = Atomics.compareExchange(words, index, current, value);
    if (before === current) return;
    current = before;
  }
}
