import type { NodeId } from "../core/units.js";
import type { Time } from "../core/wire/attributes.js";
import type { StoreFile } from "../store/store.js";
import type { Tree } from "../store/tree.js";

/**
 * An open file's time of last change. Nodes send their stores when it suits them, and for a mount that is not when the
 * program stored: it tells the time by itself. So what such a node sends leaves the time as it was.
 */
export class FileTimes {
  /** The nodes that tell. */
  readonly tellers = new Set<NodeId>();
  readonly #file: StoreFile;
  readonly #tree: Tree;
  /** Undefined when the system may have set another since. */
  #modified: Time | undefined;

  constructor(file: StoreFile, tree: Tree) {
    this.#file = file;
    this.#tree = tree;
  }

  /** Runs `write`, which takes a node's stores. */
  around<Result>(node: NodeId, write: () => Result): Result {
    if (!this.tellers.has(node)) {
      this.#modified = undefined;
      return write();
    }
    this.#modified ??= this.#tree.attributes(this.#file.inode).mtime;
    const result = write();
    this.#file.setModified(this.#modified);
    return result;
  }

  /** A node that tells has stored something. */
  stored(): void {
    this.#modified = undefined;
    this.#file.setModified("now");
  }

  set(time: Time): void {
    this.#modified = time;
    this.#file.setModified(time);
  }

  /** The size has changed, or something else that counts as a change at once. */
  changed(): void {
    this.#modified = undefined;
  }
}
