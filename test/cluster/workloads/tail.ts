import type { NodeState } from "../node-state.js";

const pageBytes = 4096;

/** Stores around the end of a file whose end moves. */
export const tail = {
  /** Writes all over the map's last pages. What lies beyond the end at that moment is dropped, and nothing kills us. */
  async writeTail(
    node: NodeState,
    { map, pages, rounds, value }: { map?: string; pages: number; rounds: number; value: number },
  ): Promise<void> {
    const bytes = node.bytes(map);
    const start = bytes.byteLength - pages * pageBytes;
    for (let round = 0; round < rounds; round++) {
      bytes[start + ((round * 613) % (pages * pageBytes))] = value;
      if (round % 50 === 0) await new Promise((resolve) => setImmediate(resolve)); // Resize events come in.
    }
  },
};
