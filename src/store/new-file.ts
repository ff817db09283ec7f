import { DmmapError } from "../core/error.js";
import type { Policy } from "../core/units.js";
import { Errno } from "../kernel/errno.js";
import { getAttribute, setAttribute } from "../kernel/folder.js";
import * as libc from "../kernel/libc.js";
import { storeError } from "./store-error.js";

const policyAttribute = "user.dmmap.policy";

export function policyOf(fd: number): Policy {
  return getAttribute(fd, policyAttribute) === "simple" ? "simple" : "optimal";
}

/** Gives a new file its size and policy. Throws; then the file should not stay. */
export function equip(
  name: string,
  fd: number,
  { size, policy }: { readonly size?: number | undefined; readonly policy?: Policy | undefined },
): void {
  if (size !== undefined && libc.ftruncate(fd, size) !== 0) throw storeError(name, libc.errno());
  const errno = policy === "simple" ? -setAttribute(fd, policyAttribute, "simple") : 0;
  if (errno === Errno.EOPNOTSUPP) {
    const message = `${name}: the home's filesystem has no extended attributes, in which the policy is kept; use "optimal"`;
    throw new DmmapError("DMMAP_UNSUPPORTED", message, { errno });
  }
  if (errno !== 0) throw storeError(name, errno);
}
