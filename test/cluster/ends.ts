import type { NodeState } from "./node-state.js";

/** How a program may end. The answer goes out first, so that its test knows that the end has begun. */
export const ends = {
  /** Closes all that it opened, in order, and has nothing left to do. */
  async closeAll(node: NodeState) {
    for (const volume of node.volumes.values()) await volume.close();
    setImmediate(() => process.disconnect());
  },

  /** Comes to its end with everything open. */
  endOpen() {
    setImmediate(() => process.disconnect());
  },

  exit(_node: NodeState, { code }: { code: number }) {
    setImmediate(() => process.exit(code));
  },

  throwUncaught() {
    setImmediate(() => {
      throw new Error("the program of this test is broken on purpose");
    });
  },

  /** Stores, and ends in the same turn of the loop: nothing has been sent when the end begins. */
  storeAndExit(node: NodeState, { map, at, value, code }: { map?: string; at: number; value: number; code: number }) {
    const bytes = node.bytes(map);
    setImmediate(() => {
      bytes[at] = value;
      process.exit(code);
    });
  },
};
