import { DmmapError } from "../core/error.js";
import { absenceKey, type LeaseKey, nameKey, privilegesKey } from "../core/home/lease-table.js";
import { capabilityName } from "../core/wire/leases.js";
import { hasSetId } from "../kernel/set-id.js";
import type { Store } from "../store/store.js";
import type { Tree } from "../store/tree.js";
import { type PathPlace, walkPath } from "../store/tree-path.js";
import type { ControlRequest } from "./control-schemas.js";
import type { Session } from "./session.js";

type Body<Op extends ControlRequest["op"]> = Extract<ControlRequest, { op: Op }>;

/**
 * What a request changes that nodes may have been told on a lease: inodes whose attributes it changes, and names that will
 * lead elsewhere. Undefined for requests that change nothing of that kind. A request that will be refused changes nothing;
 * what it would have changed may be asked for all the same.
 */
export function changedBy(store: Store, session: Session, body: ControlRequest): (() => LeaseKey[]) | undefined {
  const keysOf = keysBy(store, session, body);
  return keysOf === undefined ? undefined : () => orNothing(keysOf);
}

function keysBy(store: Store, session: Session, body: ControlRequest): (() => LeaseKey[]) | undefined {
  const { tree } = store;
  switch (body.op) {
    case "setattr":
      return () => (mayGivePrivileges(body.mode) ? [body.inode, privilegesKey(body.inode)] : [body.inode]);
    case "setxattr":
    case "removexattr":
      return () => (body.name === capabilityName ? [body.inode, privilegesKey(body.inode)] : [body.inode]);
    case "openInode":
      return body.write ? () => [body.inode] : undefined;
    case "create":
      return () => [body.parent, nameKey(body.parent, body.name), ...openedBy(tree, body)];
    case "mkdir":
    case "mknod":
    case "symlink":
      return () => [body.parent, nameKey(body.parent, body.name)];
    case "link":
      return () => [body.inode, body.parent, nameKey(body.parent, body.name)];
    case "unlink":
    case "rmdir":
      return () => [body.parent, ...removed(tree, body.parent, body.name)];
    case "move":
      return () => moved(tree, body);
    case "extend":
    case "truncate":
    case "allocate":
    case "deallocate":
      return () => [session.files.get(body.file)?.file.inode ?? []].flat();
    case "open":
      return () => opened(walk(tree, body.name));
    case "remove":
      return () => atPlace(tree, walk(tree, body.name));
    case "rename":
      return () => [...atPlace(tree, walk(tree, body.from)), ...atPlace(tree, walk(tree, body.to))];
    default:
      return undefined;
  }
}

function mayGivePrivileges(mode: number | undefined): boolean {
  return mode !== undefined && hasSetId(mode);
}

function orNothing(keysOf: () => LeaseKey[]): LeaseKey[] {
  try {
    return [...new Set(keysOf())];
  } catch (error) {
    if (error instanceof DmmapError) return [];
    throw error;
  }
}

/** Of a file that is there already, whoever opens it for writing may change what others go by. */
function openedBy(tree: Tree, { parent, name, exclusive, open }: Body<"create">): LeaseKey[] {
  return exclusive || open !== "write" ? [] : [tree.lookup(parent, name)?.inode ?? []].flat();
}

/** A name and what it leads to. */
function named(tree: Tree, parent: number, name: string): LeaseKey[] {
  const inode = tree.lookup(parent, name)?.inode;
  return inode === undefined ? [nameKey(parent, name)] : [nameKey(parent, name), inode];
}

/** The same of what may be gone by that, and its number another thing's. */
function removed(tree: Tree, parent: number, name: string): LeaseKey[] {
  const found = tree.lookup(parent, name);
  if (found === undefined) return [nameKey(parent, name)];
  const { inode, kind } = found;
  return [nameKey(parent, name), inode, kind === "folder" ? absenceKey(inode) : privilegesKey(inode)];
}

function moved(tree: Tree, { parent, name, newParent, newName }: Body<"move">): LeaseKey[] {
  return [parent, newParent, ...named(tree, parent, name), ...removed(tree, newParent, newName)];
}

function walk(tree: Tree, path: string): PathPlace {
  return walkPath(tree, path, { followLast: false });
}

/** The library's files may be written by whoever opens them. One that is made changes its folder, or makes that first. */
function opened({ parent, name, attributes }: PathPlace): LeaseKey[] {
  return attributes === undefined ? [parent, nameKey(parent, name)] : [attributes.inode];
}

function atPlace(tree: Tree, { parent, name }: PathPlace): LeaseKey[] {
  return [parent, ...removed(tree, parent, name)];
}
