import { commands } from "./commands.js";
import { NodeState } from "./node-state.js";

/**
 * A node as a process of its own: does what its test tells it by messages, one command after the other, until the channel
 * is closed. While its thread sleeps in a fault it hears nothing, which is just what its test wants to see.
 */
const state = new NodeState();
const table = commands as unknown as Record<string, (state: NodeState, args: unknown) => unknown>;

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
    const value = await table[name](state, args);
    process.send?.({ id, value });
  } catch (thrown) {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    const { message, stack } = error;
    process.send?.({ id, error: { name: error.name, message, stack, code: (error as { code?: string }).code } });
  }
}
