import assert from "node:assert/strict";
import { closeSync, openSync } from "node:fs";
import { readXattr, writeXattr } from "../../src/kernel/inode-attributes.js";

const tags = { owner: 0x01, user: 0x02, group: 0x04, namedGroup: 0x08, mask: 0x10, others: 0x20 } as const;
const nobody = 0xffff_ffff;

/** In the order of the tags, then of ids. */
export type AccessList = readonly (readonly [tag: keyof typeof tags, rights: number, id?: number])[];

/** What something on the local disk has for an ACL, as bytes; a negative errno for none. */
export function accessList(path: string): Uint8Array | number {
  const fd = openSync(path, "r");
  const list = readXattr(fd, "system.posix_acl_access");
  closeSync(fd);
  return list;
}

/** Gives something on the local disk an ACL, or a folder the one that what is made in it gets. */
export function setAccessList(path: string, list: AccessList, kind: "access" | "default" = "access"): void {
  const bytes = Buffer.alloc(4 + 8 * list.length);
  bytes.writeUInt32LE(2);
  for (const [index, [tag, rights, id]] of list.entries()) {
    bytes.writeUInt16LE(tags[tag], 4 + 8 * index);
    bytes.writeUInt16LE(rights, 6 + 8 * index);
    bytes.writeUInt32LE(id ?? nobody, 8 + 8 * index);
  }
  const fd = openSync(path, "r");
  assert.equal(writeXattr(fd, `system.posix_acl_${kind}`, bytes, "any"), 0, "the filesystem has ACLs");
  closeSync(fd);
}
