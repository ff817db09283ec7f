import type { NodeState } from "../node-state.js";

const pageBytes = 4096;

/** One step of a mixed workload: all of it drawn by the test, so that a seed says everything. */
export type Step =
  | { readonly act: "store" | "write" | "holdStore"; readonly page: number; readonly value: number }
  | { readonly act: "load" | "read" | "holdLoad" | "privateLoad"; readonly page: number }
  | { readonly act: "truncate"; readonly pages: number }
  | { readonly act: "sync" };

/** Steps on a file of pages, each of which is all one value. The test sees to it that they come one after the other. */
export const mixed = {
  /** @returns the value of the page, for a step that looks; -1 for a page beyond the end. Throws when a page has two. */
  async step(node: NodeState, { step }: { step: Step }): Promise<number | undefined> {
    switch (step.act) {
      case "store":
        store(node, step.page, step.value);
        return undefined;
      case "holdStore": {
        using _hold = await node.map().hold(step.page * pageBytes, pageBytes, "write");
        store(node, step.page, step.value);
        return undefined;
      }
      case "write":
        await node.file().write(step.page * pageBytes, new Uint8Array(pageBytes).fill(step.value));
        return undefined;
      case "load":
        return onlyValue(page(node, step.page));
      case "privateLoad":
        return onlyValue(page(node, step.page, "private"));
      case "holdLoad": {
        using _hold = await node.map().hold(step.page * pageBytes, pageBytes, "read");
        return onlyValue(page(node, step.page));
      }
      case "read": {
        const bytes = await node.file().read(step.page * pageBytes, pageBytes);
        return bytes.byteLength === 0 ? -1 : onlyValue(bytes);
      }
      case "truncate":
        await node.file().truncate(step.pages * pageBytes);
        return undefined;
      case "sync":
        await node.file().sync();
        return undefined;
    }
  },
};

function page(node: NodeState, index: number, map?: string): Uint8Array {
  return node.bytes(map).subarray(index * pageBytes, (index + 1) * pageBytes);
}

function store(node: NodeState, index: number, value: number): void {
  page(node, index).fill(value);
}

function onlyValue(bytes: Uint8Array): number {
  const other = bytes.findIndex((byte) => byte !== bytes[0]);
  if (other >= 0) throw new Error(`two values in one page: ${bytes[0]} and, at ${other}, ${bytes[other]}`);
  return bytes[0];
}
