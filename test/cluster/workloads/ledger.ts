import type { NodeState } from "../node-state.js";
import { Random } from "../random.js";

const pageBytes = 4096;
const entryBytes = 8;

export interface LedgerArgs {
  readonly seed: number;
  readonly pages: number;
  readonly steps: number;
}

/**
 * A file of pages and, in a second file, what each page holds: a value and a version. Whoever changes a page holds an
 * advisory lock on it, and finds page and entry agreed, whichever way each is looked at and written.
 */
export const ledger = {
  async keepLedger(node: NodeState, { seed, pages, steps }: LedgerArgs): Promise<number> {
    const random = new Random(seed);
    for (let step = 0; step < steps; step++) {
      const what = random.below(20) === 0 ? () => cutAndExtend(node, random, pages) : () => change(node, random, pages);
      await what().catch((error: unknown) => {
        throw new Error(`step ${step}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
      });
    }
    return steps;
  },

  async checkLedger(node: NodeState, { pages }: Pick<LedgerArgs, "pages">): Promise<void> {
    for (let page = 0; page < pages; page++) await check(node, new Random(page), page);
  },
};

async function change(node: NodeState, random: Random, pages: number): Promise<void> {
  const page = random.below(pages);
  await using lock = await node.file().lock(page * pageBytes, pageBytes, "exclusive");
  const version = await check(node, random, page);
  const words = new Int32Array(pageBytes / 4).fill(1 + random.below(1e9));
  await put(node, random, "main", page * pageBytes, words);
  await put(node, random, "ledger", page * entryBytes, new Int32Array([words[0], version + 1]));
  if (lock.length !== pageBytes) throw new Error("another lock than was asked for");
}

async function cutAndExtend(node: NodeState, random: Random, pages: number): Promise<void> {
  await using lock = await node.file().lock(0, 0, "exclusive");
  const end = random.below(pages);
  await node.file().truncate(end * pageBytes);
  await node.file().truncate(pages * pageBytes);
  for (let page = end; page < pages; page++) {
    await put(node, random, "ledger", page * entryBytes, new Int32Array([0, lock.start]));
  }
}

/** @returns the page's version. */
async function check(node: NodeState, random: Random, page: number): Promise<number> {
  const [value, version] = await take(node, random, "ledger", page * entryBytes, entryBytes);
  const words = await take(node, random, "main", page * pageBytes, pageBytes);
  const other = words.findIndex((word) => word !== value);
  if (other < 0) return version;
  throw new Error(`page ${page} holds ${words[other]} at ${other}, and ${value} by the ledger (version ${version})`);
}

async function take(node: NodeState, random: Random, name: string, at: number, length: number): Promise<Int32Array> {
  const how = random.below(3);
  if (how === 0) return new Int32Array((await node.file(name).read(at, length)).slice().buffer);
  using hold = how === 1 ? await node.map(name).hold(at, length, "read") : undefined;
  return node.words(name).slice(at / 4, (at + (hold?.length ?? length)) / 4);
}

async function put(node: NodeState, random: Random, name: string, at: number, words: Int32Array): Promise<void> {
  const how = random.below(3);
  if (how === 0) return await node.file(name).write(at, new Uint8Array(words.buffer));
  using hold = how === 1 ? await node.map(name).hold(at, words.byteLength, "write") : undefined;
  node.words(name).set(words, (hold?.offset ?? at) / 4);
}
