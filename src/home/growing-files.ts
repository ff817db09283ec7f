import type { NodeId } from "../core/units.js";
import type { OpenFile } from "./open-file.js";

/** The files that nodes make longer by themselves just now. */
export class GrowingFiles {
  readonly #byNode = new Map<NodeId, Set<OpenFile>>();

  /** It has been left to the node, or is the home's again. */
  changed(file: OpenFile, node: NodeId, isLeft: boolean): void {
    const files = this.#byNode.get(node) ?? new Set();
    if (isLeft) files.add(file);
    else files.delete(file);
    if (files.size > 0) this.#byNode.set(node, files);
    else this.#byNode.delete(node);
  }

  /** Whether any is left to another node than this. */
  areElsewhere(node: NodeId): boolean {
    return this.#byNode.size > (this.#byNode.has(node) ? 1 : 0);
  }

  /** One of them. */
  elsewhere(node: NodeId): OpenFile | undefined {
    for (const [other, files] of this.#byNode) if (other !== node) for (const file of files) return file;
    return undefined;
  }
}
