import { DmmapError } from "../core/error.js";
import { OpenFlag } from "../kernel/folder.js";
import { eachEntryIn } from "../kernel/folder-entries.js";
import { reopen } from "../kernel/inode-attributes.js";
import * as libc from "../kernel/libc.js";
import { decodeName } from "../kernel/name-bytes.js";
import type { InodeWalk } from "./inode-walk.js";
import { ownFolder } from "./names.js";

/** A larger tree is not read through: it takes about a second for so many. */
const entriesMax = 1_000_000;
/** For how long what was read is good enough for the next one that is looked for. */
const keptMillis = 60_000;

/**
 * Finds inodes in the whole of a served folder, by the numbers that folders have beside the names. For a home that has restarted, and
 * is asked for what is not where its node has seen it last: somebody may have moved it, or a folder above it, or removed that one of
 * its names.
 */
export class InodeSearch {
  readonly #walk: InodeWalk;
  /** In which folder each was. */
  #parents: Map<number, number> | undefined;
  #readAt = 0;

  constructor(walk: InodeWalk) {
    this.#walk = walk;
  }

  /** Notes where it is, if it is anywhere. */
  find(inode: number): void {
    if (this.#parents === undefined) this.#readAll();
    const parent = this.#parents?.get(inode);
    if (parent === undefined) return;
    this.#read(parent, (name, at) => {
      if (at === inode) this.#walk.places.note(inode, parent, name);
    });
  }

  expire(): void {
    if (performance.now() - this.#readAt > keptMillis) this.#parents = undefined;
  }

  /** Folders are noted, since the way to what is in them leads through them. */
  #readAll(): void {
    const parents = new Map<number, number>();
    const { root, places } = this.#walk;
    const folders = [root];
    for (let folder = folders.pop(); folder !== undefined && parents.size < entriesMax; folder = folders.pop()) {
      const parent = folder;
      this.#read(parent, (name, inode, isFolder) => {
        if (parent === root && name === ownFolder) return;
        parents.set(inode, parent);
        if (!isFolder) return;
        places.note(inode, parent, name);
        folders.push(inode);
      });
    }
    this.#parents = parents;
    this.#readAt = performance.now();
  }

  /** What cannot be opened is passed over, as is what has been moved meanwhile. */
  #read(folder: number, act: (name: string, inode: number, mayBeFolder: boolean) => void): void {
    try {
      this.#walk.withFolder(folder, (pathFd) => {
        const fd = reopen(pathFd, OpenFlag.readOnly + OpenFlag.folder);
        if (fd < 0) return;
        eachEntryIn(fd, (name, inode, kind) => act(decodeName(Buffer.from(name, "latin1")), inode, kind !== "other"));
        libc.close(fd);
      });
    } catch (error) {
      if (!(error instanceof DmmapError)) throw error;
    }
  }
}
