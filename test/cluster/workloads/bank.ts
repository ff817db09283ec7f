import type { NodeState } from "../node-state.js";

const pageWords = 1024;

export interface BankArgs {
  readonly map?: string;
  readonly rounds: number;
  readonly seed: number;
}

/** Two pages of accounts. Money moves between them under a hold; the sum never changes. */
export const bank = {
  async transferMoney(node: NodeState, { map, rounds, seed }: BankArgs): Promise<number> {
    const words = node.words(map);
    let random = seed;
    for (let round = 0; round < rounds; round++) {
      random = (random * 1_103_515_245 + 12_345) % 2 ** 31;
      const from = random % pageWords;
      const to = pageWords + (Math.floor(random / pageWords) % pageWords);
      using _hold = await node.map(map).hold(0, 2 * pageWords * 4, "write");
      words[from] -= 7;
      words[to] += 7;
    }
    return rounds;
  },

  async auditBank(node: NodeState, { map, rounds }: Omit<BankArgs, "seed">): Promise<number> {
    const words = node.words(map);
    for (let round = 0; round < rounds; round++) {
      using _hold = await node.map(map).hold(0, 2 * pageWords * 4, "read");
      const sum = words.subarray(0, 2 * pageWords).reduce((total, balance) => total + balance, 0);
      if (sum !== 0) throw new Error(`the sum of all accounts is ${sum} in audit ${round}`);
    }
    return rounds;
  },
};
