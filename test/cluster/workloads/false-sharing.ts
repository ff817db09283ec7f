import type { NodeState } from "../node-state.js";
import { meet } from "./gate.js";

export interface BlocksArgs {
  readonly map?: string;
  readonly rank: number;
  readonly ranks: number;
  readonly rounds: number;
  readonly blockBytes: number;
  /** Bytes from the map's begin to the first block. */
  readonly at: number;
  readonly gate: number;
}

/**
 * Each rank writes its own block, next to the others' and on the same pages; then all compare all blocks. As ocfs2's
 * multi_mmap test does.
 */
export const falseSharing = {
  shareBlocks(node: NodeState, { map, rank, ranks, rounds, blockBytes, at, gate }: BlocksArgs): number {
    const bytes = node.bytes(map);
    const words = node.words(map);
    const block = (of: number) => bytes.subarray(at + of * blockBytes, at + (of + 1) * blockBytes);
    let compared = 0;
    for (let round = 0; round < rounds; round++) {
      block(rank).fill(stamp(round, rank));
      meet(words, gate / 4, ranks);
      for (let other = 0; other < ranks; other++) {
        const wrong = block(other).findIndex((byte) => byte !== stamp(round, other));
        if (wrong >= 0) throw new Error(describe(round, other, rank, wrong, block(other)[wrong]));
        compared++;
      }
      meet(words, gate / 4, ranks);
    }
    return compared;
  },
};

function stamp(round: number, rank: number): number {
  return 1 + ((round * 7 + rank * 31) % 255);
}

function describe(round: number, writer: number, reader: number, at: number, found: number): string {
  return `round ${round}: byte ${at} of rank ${writer}'s block is ${found} for rank ${reader}, not ${stamp(round, writer)}`;
}
