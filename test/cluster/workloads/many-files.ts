import type { NodeState } from "../node-state.js";

/** Many small files, all open at once. */
export const manyFiles = {
  async makeFiles(node: NodeState, { count }: { count: number }): Promise<void> {
    for (let index = 0; index < count; index++) {
      const file = await node.volume().open(`many/${index}.bin`, { create: true, size: 100 + index });
      const map = await file.map();
      new Int32Array(map.buffer, 0, 1)[0] = index + 1_000_000;
    }
  },

  async checkFiles(node: NodeState, { count }: { count: number }): Promise<void> {
    const files = await node.volume().list({ prefix: "many/" });
    if (files.length !== count) throw new Error(`${files.length} files are listed, not ${count}`);
    for (let index = 0; index < count; index++) {
      const file = await node.volume().open(`many/${index}.bin`);
      const words = new Int32Array((await file.map()).buffer, 0, 1);
      if (file.size !== 100 + index || words[0] !== index + 1_000_000) {
        throw new Error(`file ${index} has ${file.size} bytes and begins with ${words[0]}`);
      }
      words[0] += 1_000_000;
    }
  },
};
