import type { ByteOffset } from "../core/units.js";
import { type Attributes, type Identity, isSameThing } from "../core/wire/attributes.js";
import { pathLengthMax } from "../core/wire/frame.js";
import type { NodeIds } from "./node-ids.js";
import type { Place } from "./place.js";
import { rootId } from "./protocol.js";

interface Known {
  readonly id: number;
  readonly inode: number;
  /** How often the kernel was told of it, less what it has forgotten. */
  lookups: number;
  /** The size that the kernel was told last, of a file that is not open here. */
  toldBytes: ByteOffset;
  /** Where it was seen last. */
  parent: number;
  name: string;
  thing?: Identity;
  /** As the home told them last. */
  attributes?: Attributes;
}

/** A name, and where it leads as far as that is known. */
interface KnownPlace extends Place {
  readonly inode: number | undefined;
}

/** The inodes that the kernel knows, by its own numbers and by the home's. */
export class Nodes implements NodeIds {
  readonly #byId = new Map<number, Known>();
  readonly #byInode = new Map<number, Known>();
  readonly #rootInode: number;
  /** Called when the kernel has forgotten an inode, and with it its pages. */
  onForgotten: (inode: number) => void = () => undefined;
  #idLast = rootId;

  constructor(rootInode: number) {
    this.#rootInode = rootInode;
    this.#put({ id: rootId, inode: rootInode, lookups: 1, toldBytes: -1, parent: rootInode, name: "" });
  }

  /** Also undefined for what is gone for good: its inode number is another thing's by now. */
  inodeOf(id: number): number | undefined {
    const known = this.#byId.get(id);
    return known !== undefined && this.#byInode.get(known.inode) === known ? known.inode : undefined;
  }

  /** Says to the home which thing of that number is meant. */
  thing(inode: number): { readonly inode: number; readonly born?: Identity["born"] } {
    const { thing } = this.#byInode.get(inode) ?? {};
    return thing === undefined ? { inode } : { inode, born: thing.born };
  }

  idOf(inode: number): number | undefined {
    return this.#byInode.get(inode)?.id;
  }

  saw(attributes: Attributes): void {
    const known = this.#byInode.get(attributes.inode);
    if (known !== undefined) known.attributes = attributes;
  }

  lastSeen(inode: number): Attributes | undefined {
    return this.#byInode.get(inode)?.attributes;
  }

  parentOf(inode: number): number {
    return this.#byInode.get(inode)?.parent ?? this.#rootInode;
  }

  /**
   * The kernel is told of this inode once more. Another thing with the number of one that is gone is a new inode: the kernel would
   * take one that becomes another kind of file for broken (EIO), and its pages and handles for those of the old one.
   *
   * @returns its number for it
   */
  remember(thing: Attributes, parent: number, name: string): number {
    const { inode, kind, born } = thing;
    const found = this.#byInode.get(inode);
    const isSame = found !== undefined && isSameThing(found.thing ?? thing, thing);
    const known = isSame ? found : this.#put({ id: ++this.#idLast, inode, lookups: 0, toldBytes: -1, parent, name });
    known.thing = { kind, born };
    known.lookups++;
    if (inode !== this.#rootInode) [known.parent, known.name] = [parent, name];
    return known.id;
  }

  /** Whether what the kernel knows by this number is gone, and its inode number is this other thing's by now. */
  isOther(id: number, thing: Attributes): boolean {
    return !isSameThing(this.#byId.get(id)?.thing ?? thing, thing);
  }

  /** Where the kernel was shown this last. */
  placeOf(thing: Attributes): Place | undefined {
    const found = this.#byInode.get(thing.inode);
    return found !== undefined && isSameThing(found.thing ?? thing, thing) ? found : undefined;
  }

  told(inode: number, sizeBytes: ByteOffset): void {
    const known = this.#byInode.get(inode);
    if (known !== undefined) known.toldBytes = sizeBytes;
  }

  /** -1 when that is not known. */
  toldBytes({ inode, born }: ReturnType<Nodes["thing"]>): ByteOffset {
    const { thing, toldBytes } = this.#byInode.get(inode) ?? { toldBytes: -1 };
    const isOther = thing !== undefined && born !== undefined && !isSameThing(thing, { kind: thing.kind, born });
    return isOther ? -1 : toldBytes;
  }

  forget(id: number, lookups: number): void {
    const known = this.#byId.get(id);
    if (known === undefined || id === rootId) return;
    known.lookups -= lookups;
    if (known.lookups > 0) return;
    this.#byId.delete(id);
    if (this.#byInode.get(known.inode) !== known) return; // Another thing has its number by now.
    this.#byInode.delete(known.inode);
    this.onForgotten(known.inode);
  }

  /** What is at a place has moved to another one; with `isExchange` what was there has moved back. */
  moved({ inode, ...from }: KnownPlace, { inode: other, ...to }: KnownPlace, isExchange: boolean): void {
    const [moved, back] = [this.#at(from, inode), isExchange ? this.#at(to, other) : []];
    for (const known of moved) Object.assign(known, to);
    for (const known of back) Object.assign(known, from);
  }

  /** Seen last at this place, by what leads there or, if that is not known, by a look at all. */
  #at({ parent, name }: Place, inode: number | undefined): Known[] {
    const candidates = inode === undefined ? [...this.#byInode.values()] : [this.#byInode.get(inode) ?? []].flat();
    return candidates.filter((known) => known.parent === parent && known.name === name);
  }

  /**
   * Its path below the root, as this mount saw it last; undefined when a folder above it is not known any more, or it is too long to
   * be told.
   */
  pathOf(inode: number): string | undefined {
    const names: string[] = [];
    for (let at = inode; at !== this.#rootInode; ) {
      const known = this.#byInode.get(at);
      if (known === undefined || names.length > 1000) return undefined;
      names.unshift(known.name);
      at = known.parent;
    }
    const path = names.join("/");
    return path.length > pathLengthMax ? undefined : path;
  }

  /** For people. */
  nameOf(inode: number): string {
    if (inode === this.#rootInode) return "the root";
    return this.pathOf(inode) ?? `inode ${inode}`;
  }

  #put(known: Known): Known {
    this.#byId.set(known.id, known);
    this.#byInode.set(known.inode, known);
    return known;
  }
}
