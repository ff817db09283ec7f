import type { DmmapError } from "../core/error.js";
import { hiddenXattrs } from "../core/wire/attributes.js";
import { Errno } from "../kernel/errno.js";
import { encodeName } from "../kernel/name-bytes.js";
import { ownFolder } from "./names.js";
import { storeError } from "./store-error.js";

const nameBytesMax = 255;
const targetBytesMax = 4095;
/** Extended attributes in which the home keeps what it knows of a file. */
const ownXattrs = "user.dmmap.";

/** Why this is no name that anything could have, if so. */
export function nameError(name: string): DmmapError | undefined {
  const bytes = encodeName(name);
  if (bytes === undefined || name.includes("/") || name.includes("\0")) return storeError(name, Errno.EINVAL);
  if (name === "") return storeError("the empty name", Errno.ENOENT);
  if (name === "." || name === "..") return storeError(name, Errno.EINVAL);
  if (bytes.length > nameBytesMax) return storeError(name, Errno.ENAMETOOLONG);
  return undefined;
}

/** Throws unless something may get this name, or lose it. */
export function checkName(name: string, isInRoot: boolean): void {
  const error = nameError(name);
  if (error !== undefined) throw error;
  if (isInRoot && name === ownFolder) throw storeError(name, Errno.EPERM);
}

export function checkTarget(target: string): void {
  const bytes = encodeName(target);
  if (bytes === undefined || target.includes("\0")) throw storeError(target, Errno.EINVAL);
  if (target === "") throw storeError("an empty target", Errno.ENOENT);
  if (bytes.length > targetBytesMax) throw storeError(target, Errno.ENAMETOOLONG);
}

/** Throws unless an extended attribute of this name can be had. `absent`: what is thrown for the home's own. */
export function checkXattr(name: string, absent: number): void {
  const bytes = encodeName(name);
  if (bytes === undefined || name === "" || name.includes("\0")) throw storeError(name, Errno.EINVAL);
  if (bytes.length > nameBytesMax) throw storeError(name, Errno.ERANGE);
  if (name.startsWith(hiddenXattrs)) throw storeError(name, Errno.EOPNOTSUPP);
  if (name.startsWith(ownXattrs)) throw storeError(name, absent);
}

export function isShownXattr(name: string): boolean {
  return !name.startsWith(ownXattrs) && !name.startsWith(hiddenXattrs);
}
