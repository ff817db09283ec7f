interface Place {
  readonly parent: number;
  readonly name: string;
}

const placesMax = 1_000_000;
const depthMax = 4096;
/** Of one file, which may have tens of thousands. */
const linksMax = 8;

/**
 * Where inodes were last seen: the way from an inode back to a path. Names change at the disk too, so a place is a
 * guess that whoever uses it checks. Bounded: what was seen longest ago is forgotten, and has to be identified anew.
 */
export class InodePlaces {
  readonly #root: number;
  readonly #placesMax: number;
  /** The latest first. Another one is a hard link, or gone, and nobody has found out about it yet. */
  readonly #places = new Map<number, readonly Place[]>();

  constructor(root: number, max = placesMax) {
    this.#root = root;
    this.#placesMax = max;
  }

  /** `inode` has this name; the latest is tried first. */
  note(inode: number, parent: number, name: string): void {
    if (inode === this.#root) return;
    const known = this.#places.get(inode) ?? [];
    if (known[0]?.parent === parent && known[0].name === name) return;
    this.#places.set(inode, [{ parent, name }, ...without(known, parent, name).slice(0, linksMax - 1)]);
    if (this.#places.size > this.#placesMax) this.#shrink();
  }

  /** `inode` does not have this name any more. */
  forget(inode: number, parent: number, name: string): void {
    const left = without(this.#places.get(inode) ?? [], parent, name);
    if (left.length === 0) this.#places.delete(inode);
    else this.#places.set(inode, left);
  }

  /** The latest name known: undefined of an unknown inode. */
  latest(inode: number): Place | undefined {
    return this.#places.get(inode)?.[0];
  }

  /** The latest path known, "" for the root; undefined when the way up is not known in full. */
  pathOf(inode: number): string | undefined {
    const names: string[] = [];
    for (let at = inode; at !== this.#root; ) {
      const place = this.latest(at);
      if (place === undefined || names.length === depthMax) return undefined; // Or a circle, of names long outdated.
      names.push(place.name);
      at = place.parent;
    }
    return names.toReversed().join("/");
  }

  /** Folders above others were mostly seen before them; what that cuts off is identified by its whole path. */
  #shrink(): void {
    let surplus = Math.ceil(this.#placesMax / 4);
    for (const inode of this.#places.keys()) {
      if (surplus-- === 0) return;
      this.#places.delete(inode);
    }
  }
}

function without(places: readonly Place[], parent: number, name: string): readonly Place[] {
  return places.filter((place) => place.parent !== parent || place.name !== name);
}
