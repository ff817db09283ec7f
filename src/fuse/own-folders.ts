import { nameIn } from "../core/home/lease-table.js";
import type { Micros } from "../core/units.js";
import { nowMicros } from "../kernel/clock.js";
import { absenceMicros } from "./absent-names.js";

interface OwnFolder {
  /** That this mount has made, or meant to make, or has seen: the home knows more of those. */
  readonly names: Set<string>;
  readonly until: Micros;
}

/**
 * Folders that this mount has made and nobody else has added a name to: so a name that this mount has not made there leads nowhere,
 * and who unpacks or copies a tree need not ask before it makes each file. Whoever adds a name changes the folder's attributes: who
 * goes by those is asked before (I19), so this holds as long as the lease on them; and no longer than what is known of other names
 * that lead nowhere, since other tools ask nobody.
 */
export class OwnFolders {
  /** The oldest first. */
  readonly #folders = new Map<number, OwnFolder>();

  /** The home has made this folder for this mount, and told its attributes on a lease. */
  made(inode: number): void {
    const now = nowMicros();
    this.#expire(now);
    this.#folders.set(inode, { names: new Set(), until: now + absenceMicros });
  }

  /** This mount is about to change the name of this key, or has been told where it leads. */
  use(key: string): void {
    if (this.#folders.size === 0) return;
    const { parent, name } = nameIn(key);
    const folder = this.#folders.get(parent);
    if (folder === undefined) return;
    if (nowMicros() < folder.until) folder.names.add(name);
    else this.#folders.delete(parent);
  }

  /** The lease on its attributes is over. */
  forget(inode: number): void {
    this.#folders.delete(inode);
  }

  clear(): void {
    this.#folders.clear();
  }

  /** Whether there is no such name. */
  lacks(parent: number, name: string): boolean {
    const folder = this.#folders.get(parent);
    return folder !== undefined && !folder.names.has(name) && nowMicros() < folder.until;
  }

  #expire(now: Micros): void {
    for (const [inode, { until }] of this.#folders) {
      if (now < until) return;
      this.#folders.delete(inode);
    }
  }
}
