interface Listing {
  /** In order; each byte a character. */
  readonly names: string[];
  /** The folder as it was when the names were right. */
  stamp: string;
}

const namesMax = 2_000_000;

/**
 * The sorted names of the folders that were listed last, kept up with what changes through the home: a large folder is
 * read and sorted once, not for each page. A name is a string of bytes, so that strings compare as bytes do.
 */
export class FolderListings {
  readonly #listings = new Map<number, Listing>();
  #nameCount = 0;

  has(folder: number): boolean {
    return this.#listings.has(folder);
  }

  /** The listing as of this stamp, by `read` unless it is kept. The order of use decides who stays. */
  names(folder: number, stamp: string, read: () => string[]): readonly string[] {
    let listing = this.#listings.get(folder);
    if (listing?.stamp !== stamp) listing = { names: read().sort(byBytes), stamp };
    this.drop(folder);
    this.#listings.set(folder, listing);
    this.#nameCount += listing.names.length;
    this.#shrink(folder);
    return listing.names;
  }

  added(folder: number, name: string, stamp: string): void {
    const listing = this.#listings.get(folder);
    if (listing === undefined) return;
    listing.stamp = stamp;
    const at = firstFrom(listing.names, name);
    if (listing.names[at] === name) return;
    listing.names.splice(at, 0, name);
    this.#nameCount++;
  }

  removed(folder: number, name: string, stamp: string): void {
    const listing = this.#listings.get(folder);
    if (listing === undefined) return;
    listing.stamp = stamp;
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
