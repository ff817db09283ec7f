import type { NodeState } from "../node-state.js";

const pageBytes = 4096;

export interface StampArgs {
  readonly map?: string;
  readonly file?: string;
  readonly pages: number;
  readonly rounds: number;
  /** Distinguishes the writers. */
  readonly stamp: number;
}

/** Whole pages of one stamp. Whoever sees two stamps in one page has seen a page half written. */
export const stamps = {
  /** Fills pages under a hold, each with a new stamp. */
  async stampPages(node: NodeState, { map, pages, rounds, stamp }: StampArgs): Promise<void> {
    const words = node.words(map);
    const perPage = pageBytes / 4;
    for (let round = 0; round < rounds; round++) {
      const page = (round * 3 + stamp) % pages;
      using _hold = await node.map(map).hold(page * pageBytes, pageBytes, "write");
      words.fill(stamp * 1_000_000 + round, page * perPage, (page + 1) * perPage);
    }
  },

  /** Writes pages with `write`: each call is one step for others. */
  async writeStamps(node: NodeState, { file, pages, rounds, stamp }: StampArgs): Promise<void> {
    for (let round = 0; round < rounds; round++) {
      const page = (round * 5 + stamp) % pages;
      const words = new Int32Array(pageBytes / 4).fill(stamp * 1_000_000 + round);
      await node.file(file).write(page * pageBytes, new Uint8Array(words.buffer));
    }
  },

  /** Looks at pages under a hold. @returns how many different stamps were seen. */
  async checkStampsHeld(node: NodeState, { map, pages, rounds }: StampArgs): Promise<number> {
    const words = node.words(map);
    const perPage = pageBytes / 4;
    const seen = new Set<number>();
    for (let round = 0; round < rounds; round++) {
      const page = round % pages;
      using _hold = await node.map(map).hold(page * pageBytes, pageBytes, "read");
      seen.add(onlyStamp(words.subarray(page * perPage, (page + 1) * perPage), page));
    }
    return seen.size;
  },

  /** Looks at pages by `read`. */
  async checkStampsRead(node: NodeState, { file, pages, rounds }: StampArgs): Promise<number> {
    const seen = new Set<number>();
    for (let round = 0; round < rounds; round++) {
      const page = round % pages;
      const bytes = await node.file(file).read(page * pageBytes, pageBytes);
      seen.add(onlyStamp(new Int32Array(bytes.buffer, bytes.byteOffset, pageBytes / 4), page));
    }
    return seen.size;
  },
};

function onlyStamp(words: Int32Array, page: number): number {
  const first = words[0];
  const other = words.findIndex((word) => word !== first);
  if (other >= 0) throw new Error(`page ${page} has the stamps ${first} and ${words[other]} (word ${other})`);
  return first;
}
