import { OpenFlag } from "../kernel/folder.js";
import { reopen } from "../kernel/inode-attributes.js";
import * as libc from "../kernel/libc.js";

const keptMax = 16;
const keptMillis = 2000;

/**
 * Files that lost their last name to a rename a moment ago. A program that opens a name finds one or the other file, whichever:
 *
 * 1. A mount is told what inode the name leads to.
 * 2. Another file is renamed over it.
 * 3. The mount opens the inode. On a local disk both are one step; so the file that was there must be found once more.
 */
export class ReplacedFiles {
  readonly #kept = new Map<number, { readonly fd: number; readonly untilMillis: number }>();

  /** `fd`: taken over, of a file without a name. */
  keep(inode: number, fd: number): void {
    this.#drop(inode);
    this.#kept.set(inode, { fd, untilMillis: performance.now() + keptMillis });
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > keptMax) this.#drop(oldest);
  }

  /** @returns a descriptor of its own; undefined when there is no such file. */
  open(inode: number): number | undefined {
    const kept = this.#kept.get(inode);
    const fd = kept === undefined ? -1 : reopen(kept.fd, OpenFlag.path);
    return fd < 0 ? undefined : fd;
  }

  has(inode: number): boolean {
    return this.#kept.has(inode);
  }

  /** Gives the room of those that nobody came for back to the disk. */
  expire(): void {
    const now = performance.now();
    for (const [inode, { untilMillis }] of this.#kept) if (now >= untilMillis) this.#drop(inode);
  }

  clear(): void {
    for (const inode of [...this.#kept.keys()]) this.#drop(inode);
  }

  #drop(inode: number): void {
    const kept = this.#kept.get(inode);
    if (kept !== undefined) libc.close(kept.fd);
    this.#kept.delete(inode);
  }
}
