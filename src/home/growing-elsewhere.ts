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
 * What a request tells the size of, opens or changes may be files that other nodes make longer by themselves just now. Then those
 * nodes have been asked to say their sizes, and to leave them to the home, and the request is to wait for that: then it looks
 * again. But a request about all files does not: what has been left to a node since it was asked, may be as long as it likes.
 *
 * `keys`: what the request changes, as of `changedBy`.
 */
export function growingElsewhere(
  files: OpenFiles,
  { tree }: Store,
  { node }: Session,
  body: ControlRequest,
  keys: readonly LeaseKey[],
): { readonly growths: readonly Delegation[]; readonly looksAgain: boolean } | undefined {
  if (!files.growing.areElsewhere(node)) return undefined;
  const inodes = inodesOf(tree, body);
  const found = inodes === "all" ? files.growing.elsewhere(node) : find(files, node, [...inodes, ...keys]);
  if (found.length === 0) return undefined;
  for (const { growth } of found) growth.mayDecide(node);
  return { growths: found.map(({ growth }) => growth), looksAgain: inodes !== "all" };
}

function find(files: OpenFiles, node: NodeId, keys: readonly (LeaseKey | undefined)[]): OpenFile[] {
  const open = keys.flatMap((key) => (typeof key === "number" ? (files.byInode(key) ?? []) : []));
  return open.filter(({ growth }) => growth.node !== undefined && growth.node !== node);
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
