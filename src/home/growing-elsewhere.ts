import { DmmapError } from "../core/error.js";
import type { Delegation } from "../core/home/delegation.js";
import type { LeaseKey } from "../core/home/lease-table.js";
import type { NodeId } from "../core/units.js";
import type { Store } from "../store/store.js";
import type { Tree } from "../store/tree.js";
import { walkPath } from "../store/tree-path.js";
import type { ControlRequest } from "./control-schemas.js";
import type { OpenFile } from "./open-file.js";
import type { OpenFiles } from "./open-files.js";
import type { Session } from "./session.js";

/**
 * What a request tells the size of, opens or changes may be a file that another node makes longer by itself just now. Then that
 * node has been asked to say its size, and to leave sizes to the home, and the request is to wait for that.
 *
 * `keys`: what the request changes, as of `changedBy`.
 */
export function growingElsewhere(
  files: OpenFiles,
  { tree }: Store,
  { node }: Session,
  body: ControlRequest,
  keys: readonly LeaseKey[],
): Delegation | undefined {
  if (!files.growing.areElsewhere(node)) return undefined;
  const found = find(files, node, inodesOf(tree, body), keys);
  found?.growth.mayDecide(node);
  return found?.growth;
}

function find(
  files: OpenFiles,
  node: NodeId,
  inodes: readonly (number | undefined)[] | "all",
  keys: readonly LeaseKey[],
): OpenFile | undefined {
  if (inodes === "all") return files.growing.elsewhere(node);
  for (const inode of [...inodes, ...keys]) {
    const open = typeof inode === "number" ? files.byInode(inode) : undefined;
    if (open?.growth.node !== undefined && open.growth.node !== node) return open;
  }
  return undefined;
}

function inodesOf(tree: Tree, body: ControlRequest): readonly (number | undefined)[] | "all" {
  switch (body.op) {
    case "getattr":
    case "identify":
    case "openInode":
      return [body.inode];
    case "lookup":
    case "create":
      return orNone(() => tree.lookup(body.parent, body.name)?.inode);
    case "walk":
      return orNone(() => walkPath(tree, body.path, { followLast: body.follow }).attributes?.inode);
    case "stat":
    case "open":
      return orNone(() => walkPath(tree, body.name, { followLast: true }).attributes?.inode);
    case "list":
      return "all";
    case "readdir":
      return body.lease === true ? [] : "all"; // Who takes leases goes by no attributes but those.
    default:
      return [];
  }
}

/** What is refused tells nothing. */
function orNone(inode: () => number | undefined): (number | undefined)[] {
  try {
    return [inode()];
  } catch (error) {
    if (error instanceof DmmapError) return [];
    throw error;
  }
}
