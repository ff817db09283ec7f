import { commands } from "../cluster/commands.js";
import { NodeState } from "../cluster/node-state.js";
import { faultCommands } from "./fault-commands.js";

/** A node as a process of its own, as in the cluster's tests, that can do what these tests ask for besides. */
const state = new NodeState();
const table = { ...commands, ...faultCommands } as unknown as Record<
  string,
  (state: NodeState, args: unknown) => unknown
>;

interface Message {
  readonly id: number;
  readonly name: string;
  readonly args: unknown;
}

process.on("message", ({ id, name, args }: Message) => {
  void answer(id, name, args);
});
process.send?.({ id: 0 });

async function answer(id: number, name: string, args: unknown): Promise<void> {
  try {
    process.send?.({ id, value: await table[name](state, args) });
  } catch (thrown) {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    const { message, stack } = error;
    process.send?.({ id, error: { name: error.name, message, stack, code: (error as { code?: string }).code } });
  }
}
