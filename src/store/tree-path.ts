import type { Attributes } from "../core/wire/attributes.js";
import { Errno } from "../kernel/errno.js";
import { storeError } from "./store-error.js";
import type { Tree } from "./tree.js";

const linksMax = 40;

/** Where a path leads. */
export interface PathPlace {
  /** The folder that has, or would have, the name: 0 for the root itself, whose name is "". */
  readonly parent: number;
  readonly name: string;
  /** Undefined: there is no such name, or (`missing` is not empty) no such folder, and nothing below it. */
  readonly attributes: Attributes | undefined;
  /** The rest of the path, below a folder that is not there. */
  readonly missing: readonly string[];
}

/**
 * Walks a path of names below the root as the system would for a process whose root is the served folder, but that
 * nothing leads out of it: EXDEV. Symbolic links are followed, the last one only if asked. Throws ENOTDIR, ELOOP, ESTALE.
 */
export function walkPath(tree: Tree, path: string, { followLast }: { readonly followLast: boolean }): PathPlace {
  return new PathWalk(tree, followLast).walk(path);
}

class PathWalk {
  readonly #tree: Tree;
  readonly #followLast: boolean;
  /** The folders from the root to where the walk is. */
  readonly #folders: number[];
  #links = 0;

  constructor(tree: Tree, followLast: boolean) {
    this.#tree = tree;
    this.#followLast = followLast;
    this.#folders = [tree.root];
  }

  walk(path: string): PathPlace {
    const left = partsOf(path).toReversed();
    for (let name = left.pop(); name !== undefined; name = left.pop()) {
      if (name === "..") {
        this.#up(path);
        continue;
      }
      const parent = this.#folders[this.#folders.length - 1];
      const attributes = this.#tree.lookup(parent, name);
      const place = { parent, name, attributes, missing: [] };
      if (attributes === undefined) return { ...place, missing: left.toReversed() };
      const isLast = left.length === 0;
      if (attributes.kind === "symlink" && (!isLast || this.#followLast))
        left.push(...this.#targetOf(attributes, path));
      else if (isLast) return place;
      else if (attributes.kind === "folder") this.#folders.push(attributes.inode);
      else throw storeError(path, Errno.ENOTDIR);
    }
    return this.#here();
  }

  #up(path: string): void {
    this.#folders.pop();
    if (this.#folders.length === 0) throw storeError(path, Errno.EXDEV);
  }

  #targetOf({ inode }: Attributes, path: string): string[] {
    if (++this.#links > linksMax) throw storeError(path, Errno.ELOOP);
    const target = this.#tree.readlink(inode);
    if (target.startsWith("/")) throw storeError(path, Errno.EXDEV);
    return partsOf(target).toReversed();
  }

  /** The path ended in a folder that was walked through already: by "..", or it is the root. */
  #here(): PathPlace {
    const inode = this.#folders[this.#folders.length - 1];
    const attributes = this.#tree.attributes(inode);
    if (inode === this.#tree.root) return { parent: 0, name: "", attributes, missing: [] };
    const parent = this.#folders[this.#folders.length - 2];
    const name = this.#tree.pathOf(inode).split("/").at(-1) ?? "";
    return { parent, name, attributes, missing: [] };
  }
}

function partsOf(path: string): string[] {
  return path.split("/").filter((part) => part !== "" && part !== ".");
}
