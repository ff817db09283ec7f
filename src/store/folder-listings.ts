import type { SystemTime } from "../kernel/facts.js";
import { isOver, isSame } from "./stamps.js";

interface Listing {
  /** In order; each byte a character. */
  readonly names: string[];
  /** When the folder last changed, as of when the names were right. */
  stamp: SystemTime;
  /** Whether every later change has another stamp. */
  isSure: boolean;
}

const namesMax = 2_000_000;

/**
 * The sorted names of the folders that were listed last, kept up with what changes through the home: a large folder is
 * read and sorted once, not for each page. A name is a string of bytes, so that strings compare as bytes do.
 *
 * Other tools change folders, too. That shows by the stamp, which is compared before the home's own change puts a new one
 * there; and as what they do at the same moment may show by none, a folder that has just changed is read once more.
 */
export class FolderListings {
  readonly #listings = new Map<number, Listing>();
  #nameCount = 0;

  has(folder: number): boolean {
    return this.#listings.has(folder);
  }

  /** The listing as of this stamp, by `read` unless it is kept. The order of use decides who stays. */
  names(folder: number, stamp: SystemTime, read: () => string[]): readonly string[] {
    let listing = this.#listings.get(folder);
    const isSure = isOver(stamp);
    if (listing === undefined || !isSame(listing.stamp, stamp) || (isSure && !listing.isSure)) {
      listing = { names: read().sort(byBytes), stamp, isSure };
    }
    this.drop(folder);
    this.#listings.set(folder, listing);
    this.#nameCount += listing.names.length;
    this.#shrink(folder);
    return listing.names;
  }

  /** The home is about to change the folder, which has this stamp yet. */
  changes(folder: number, stamp: SystemTime): void {
    const listing = this.#listings.get(folder);
    if (listing !== undefined && !isSame(listing.stamp, stamp)) this.drop(folder);
  }

  added(folder: number, name: string, stamp: SystemTime): void {
    const listing = this.#listings.get(folder);
    if (listing === undefined) return;
    listing.stamp = stamp;
    listing.isSure = false;
    const at = firstFrom(listing.names, name);
    if (listing.names[at] === name) return;
    listing.names.splice(at, 0, name);
    this.#nameCount++;
  }

  removed(folder: number, name: string, stamp: SystemTime): void {
    const listing = this.#listings.get(folder);
    if (listing === undefined) return;
    listing.stamp = stamp;
    listing.isSure = false;
    const at = firstFrom(listing.names, name);
    if (listing.names[at] !== name) return;
    listing.names.splice(at, 1);
    this.#nameCount--;
  }

  drop(folder: number): void {
    this.#nameCount -= this.#listings.get(folder)?.names.length ?? 0;
    this.#listings.delete(folder);
  }

  clear(): void {
    this.#listings.clear();
    this.#nameCount = 0;
  }

  #shrink(spared: number): void {
    for (const folder of this.#listings.keys()) {
      if (this.#nameCount <= namesMax || folder === spared) return;
      this.drop(folder);
    }
  }
}

/** Index of the first name behind this one. */
export function firstAfter(names: readonly string[], name: string): number {
  const at = firstFrom(names, name);
  return names[at] === name ? at + 1 : at;
}

/** Index of the first name that is not before this one. */
function firstFrom(names: readonly string[], name: string): number {
  let low = 0;
  let high = names.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (names[middle] < name) low = middle + 1;
    else high = middle;
  }
  return low;
}

function byBytes(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
