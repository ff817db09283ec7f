import * as v from "valibot";
import { pathLengthMax } from "../core/wire/frame.js";
import { claimedLocksMax } from "../core/wire/tree-requests.js";

const number = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const word = v.pipe(number, v.maxValue(0xffff_ffff));
const mode = v.pipe(number, v.maxValue(0o7777));
const name = v.pipe(v.string(), v.maxLength(1024));
const path = v.pipe(v.string(), v.maxLength(pathLengthMax));
const time = v.tuple([v.pipe(v.number(), v.safeInteger()), v.pipe(number, v.maxValue(999_999_999))]);
const timeOrNow = v.optional(v.union([v.literal("now"), time]));
const inode = number;
/** Which thing of that number is meant, where it has been used again. */
const born = v.optional(time);
export const thing = v.object({ inode, born });
const lease = v.optional(v.boolean());
const change = { lease, key: v.optional(number), again: v.optional(v.boolean()) };
const place = { parent: number, name };
const ownership = { mode, uid: word, gid: word };
const lock = {
  file: number,
  owner: v.pipe(v.string(), v.maxLength(64)),
  kind: v.picklist(["posix", "flock"]),
  start: number,
  end: v.nullable(number),
  type: v.picklist(["shared", "exclusive", "none"]),
  pid: word,
};
/** A value of 64 KiB, which is Linux's limit, in base64. */
const valueMax = 90_000;

/** Requests of `TreeRequests`. */
export const treeSchemas = {
  identify: v.object({ inode, path }),
  lookup: v.object({ ...place, lease }),
  walk: v.object({ path, follow: v.boolean() }),
  getattr: v.object({ inode, lease }),
  setattr: v.object({
    inode,
    born,
    mode: v.optional(mode),
    uid: v.optional(word),
    gid: v.optional(word),
    atime: timeOrNow,
    mtime: timeOrNow,
    endsPrivileges: v.optional(v.object({ groups: v.union([v.array(word), v.literal("all")]) })),
    isClaim: v.optional(v.boolean()),
    ...change,
  }),
  create: v.object({
    ...place,
    ...ownership,
    exclusive: v.boolean(),
    open: v.optional(v.picklist(["read", "write"])),
    ...change,
  }),
  mkdir: v.object({ ...place, ...ownership, ...change }),
  mknod: v.object({
    ...place,
    ...ownership,
    kind: v.picklist(["file", "fifo", "socket", "character", "block"]),
    device: word,
    ...change,
  }),
  symlink: v.object({ ...place, target: v.pipe(v.string(), v.maxLength(4096)), uid: word, gid: word, ...change }),
  link: v.object({ ...place, inode, born, ...change }),
  readlink: v.object({ inode }),
  unlink: v.object({ ...place, ...change, inode: v.optional(inode) }),
  rmdir: v.object({ ...place, ...change, inode: v.optional(inode) }),
  move: v.object({
    ...place,
    newParent: number,
    newName: name,
    flags: v.picklist(["replace", "noReplace", "exchange"]),
    inode: v.optional(inode),
    ...change,
  }),
  readdir: v.object({ inode, after: name, limit: v.pipe(number, v.minValue(1), v.maxValue(1000)), lease }),
  getxattr: v.object({ inode, name, lease }),
  setxattr: v.object({
    inode,
    born,
    name,
    value: v.pipe(v.string(), v.maxLength(valueMax)),
    mode: v.picklist(["any", "create", "replace"]),
    ...change,
  }),
  listxattr: v.object({ inode }),
  removexattr: v.object({ inode, born, name, ...change }),
  statfs: v.object({}),
  syncNames: v.object({}),
  openInode: v.object({
    inode,
    born,
    write: v.boolean(),
    path: v.optional(path),
  }),
  extend: v.object({ file: number, size: number }),
  allocate: v.object({ file: number, start: number, length: number }),
  deallocate: v.object({ file: number, start: number, end: number }),
  seek: v.object({ file: number, offset: number, what: v.picklist(["data", "hole"]) }),
  testLock: v.object(lock),
  claimLocks: v.object({
    file: number,
    locks: v.pipe(v.array(v.object(lock)), v.maxLength(claimedLocksMax)),
    more: v.boolean(),
  }),
};

export function isTreeRequest(request: { readonly op: string }): request is TreeRequest {
  return Object.hasOwn(treeSchemas, request.op);
}

type Schemas = typeof treeSchemas;
export type TreeRequest = { [Op in keyof Schemas]: { op: Op } & v.InferOutput<Schemas[Op]> }[keyof Schemas];
export type TreeRequestOf<Op extends TreeRequest["op"]> = Extract<TreeRequest, { op: Op }>;
