import type { AttributeChanges, Attributes, FileKind, Ownership, Time } from "../core/wire/attributes.js";
import { statOf } from "../kernel/facts.js";
import { changeTimes } from "../kernel/inode-attributes.js";
import { encodeName } from "../kernel/name-bytes.js";
import type { PageFile } from "./page-file.js";

const setGroupId = 0o2000;

/** What has an inode in a memory store. A file's size and times are those of its memory file. */
export interface MemoryNode {
  readonly inode: number;
  readonly kind: FileKind;
  readonly device: number;
  readonly xattrs: Map<string, Uint8Array>;
  /** Of a folder. */
  readonly children: Map<string, MemoryNode> | undefined;
  /** Of a symbolic link. */
  readonly target: string | undefined;
  /** Of a file. */
  file: PageFile | undefined;
  /** Its names, each with the folder that it is in. */
  places: readonly MemoryPlace[];
  /** Of a folder that has a name. */
  parent: MemoryNode | undefined;
  links: number;
  mode: number;
  uid: number;
  gid: number;
  atime: Time;
  mtime: Time;
  ctime: Time;
  readonly born: Time;
}

export interface MemoryPlace {
  readonly parent: MemoryNode;
  readonly name: string;
}

export interface NodeFacts {
  readonly inode: number;
  readonly kind: FileKind;
  readonly device?: number;
  readonly target?: string;
}

/** `folder`: where it is made; its group goes to what is in it if it has the set-group-id bit. */
export function makeNode(facts: NodeFacts, folder: MemoryNode | undefined, ownership: Ownership): MemoryNode {
  const { inode, kind, device = 0, target } = facts;
  const isFolder = kind === "folder";
  const inherits = folder !== undefined && (folder.mode & setGroupId) !== 0;
  const time = now();
  return {
    inode,
    kind,
    device,
    target,
    xattrs: new Map(),
    children: isFolder ? new Map() : undefined,
    file: undefined,
    places: [],
    parent: isFolder ? folder : undefined,
    links: isFolder ? 2 : 1,
    mode: inherits && isFolder ? ownership.mode | setGroupId : ownership.mode,
    uid: ownership.uid,
    gid: inherits ? folder.gid : ownership.gid,
    atime: time,
    mtime: time,
    ctime: time,
    born: time,
  };
}

export function attributesOf(node: MemoryNode): Attributes {
  const { inode, kind, mode, links, uid, gid, device, file, target, atime, mtime, ctime, born } = node;
  const own = { inode, kind, mode, links, uid, gid, device, born, xattrs: node.xattrs.size > 0 };
  if (file === undefined) {
    return { ...own, size: encodeName(target ?? "")?.length ?? 0, blocks: 0, atime, mtime, ctime };
  }
  const memory = statOf(file.fd).attributes;
  const { size, blocks } = memory;
  return { ...own, size, blocks, atime: memory.atime, mtime: memory.mtime, ctime: later(ctime, memory.ctime) };
}

export function changeNode(node: MemoryNode, { mode, uid, gid, atime, mtime }: AttributeChanges): void {
  node.mode = mode ?? node.mode;
  node.uid = uid ?? node.uid;
  node.gid = gid ?? node.gid;
  node.atime = atime === "now" ? now() : (atime ?? node.atime);
  node.mtime = mtime === "now" ? now() : (mtime ?? node.mtime);
  node.ctime = now();
  if (node.file !== undefined) changeTimes(node.file.fd, atime, mtime);
}

export function now(): Time {
  const millis = Date.now();
  return [Math.floor(millis / 1000), (millis % 1000) * 1_000_000];
}

function later(one: Time, other: Time): Time {
  return one[0] > other[0] || (one[0] === other[0] && one[1] > other[1]) ? one : other;
}
