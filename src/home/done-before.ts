import { DmmapError } from "../core/error.js";
import type { Tree } from "../store/tree.js";
import type { TreeRequest } from "./tree-schemas.js";

/**
 * The answer to a change of names that is asked again, and that the home before this one has done already, as far as can be
 * told by what there is now; undefined when it has to be done.
 *
 * 1. A node asks to rename a file. It is done. 2. The home is killed. 3. The node asks the next one, which remembers nothing.
 *
 * Whether a file or folder that is there now was made by who asks again cannot be told: two nodes that asked for the same, as a
 * lock between them, must not both hear that they have made it.
 */
export function doneBefore(tree: Tree, body: TreeRequest): object | undefined {
  if (!("again" in body) || body.again !== true) return undefined;
  switch (body.op) {
    case "unlink":
    case "rmdir":
      return isRemoved(tree, body) ? {} : undefined;
    case "move":
      return isMoved(tree, body) ? {} : undefined;
    case "link":
      return inodeAt(tree, body.parent, body.name) === body.inode ? describe(tree, body.inode) : undefined;
    case "symlink":
      return symlinkAt(tree, body);
    case "removexattr":
      return tree.listxattr(body.inode).includes(body.name) ? undefined : {};
    case "setxattr":
      return isSet(tree, body) ? {} : undefined;
    default:
      return undefined;
  }
}

type Body<Op extends TreeRequest["op"]> = Extract<TreeRequest, { op: Op }>;

function isRemoved(tree: Tree, { parent, name, inode }: Body<"unlink"> | Body<"rmdir">): boolean {
  const there = inodeAt(tree, parent, name);
  return there === undefined || (inode !== undefined && there !== inode);
}

function isMoved(tree: Tree, { parent, name, newParent, newName, inode }: Body<"move">): boolean {
  if (inode === undefined || inodeAt(tree, parent, name) === inode) return false;
  return inodeAt(tree, newParent, newName) === inode;
}

function symlinkAt(tree: Tree, { parent, name, target }: Body<"symlink">): object | undefined {
  const inode = inodeAt(tree, parent, name);
  if (inode === undefined || tree.attributes(inode).kind !== "symlink") return undefined;
  return tree.readlink(inode) === target ? describe(tree, inode) : undefined;
}

function isSet(tree: Tree, { inode, name, value }: Body<"setxattr">): boolean {
  if (!tree.listxattr(inode).includes(name)) return false;
  return Buffer.from(tree.getxattr(inode, name)).toString("base64") === value;
}

function describe(tree: Tree, inode: number): object {
  return { attributes: tree.attributes(inode) };
}

/** Undefined as well where the folder cannot be found: the change itself says why. */
function inodeAt(tree: Tree, parent: number, name: string): number | undefined {
  try {
    return tree.lookup(parent, name)?.inode;
  } catch (error) {
    if (error instanceof DmmapError) return undefined;
    throw error;
  }
}
