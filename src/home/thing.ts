import { DmmapError } from "../core/error.js";
import { isSameThing, type Time } from "../core/wire/attributes.js";
import { Errno } from "../kernel/errno.js";
import { storeError } from "../store/store-error.js";
import type { Tree } from "../store/tree.js";

/**
 * Refuses a request for a thing whose inode number is another one's by now:
 *
 * 1. A program of a mount is about to link, to change or to open a file; its kernel names it by its number. 2. Another host removes
 * that file, and makes one that gets the number. 3. The request arrives: it is not about this file.
 *
 * @throws DMMAP_STALE
 */
export function checkThing(tree: Tree, body: object): void {
  const { inode, born } = body as { readonly inode?: number; readonly born?: Time };
  if (inode === undefined || born === undefined) return;
  const attributes = tree.attributes(inode);
  if (!isSameThing(attributes, { kind: attributes.kind, born })) throw storeError(`inode ${inode}`, Errno.ESTALE);
}

/**
 * Has the tree know where this inode is, that a node has had open: it was seen last at `path`. `anywhere`: nor was anybody told if it has
 * moved since, as by another host's program while the home that it asked was another one.
 *
 * @throws DMMAP_STALE
 */
export function locate(tree: Tree, inode: number, path: string | undefined, anywhere: boolean): void {
  if (isThere(() => tree.attributes(inode))) return;
  if (path !== undefined && isThere(() => tree.identify(inode, path))) return;
  if (anywhere && isThere(() => tree.find(inode))) return;
  throw storeError(path ?? `inode ${inode}`, Errno.ESTALE);
}

function isThere(look: () => object): boolean {
  try {
    look();
    return true;
  } catch (error) {
    if (error instanceof DmmapError && error.code === "DMMAP_STALE") return false;
    throw error;
  }
}
