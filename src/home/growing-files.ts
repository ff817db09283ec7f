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

  /** These. */
  elsewhere(node: NodeId): OpenFile[] {
    const others = [...this.#byNode.keys()].filter((other) => other !== node);
    return others.flatMap((other) => Array.from(this.#byNode.get(other) ?? []));
  }
}
