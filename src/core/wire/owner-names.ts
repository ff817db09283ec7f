import { assert } from "../assert.js";
import { DmmapError } from "../error.js";

/** As the wire has them: ASCII. */
export const ownerBytesMax = 64;
const asciiMax = 0x7f;
const slotCount = 251;

interface Known {
  readonly bytes: Uint8Array;
  readonly name: string;
}

/**
 * Writes the name of a lock's owner; what is beyond `ownerBytesMax` is left out.
 *
 * @returns its length in bytes
 */
export function putOwner(name: string, into: DataView, at: number): number {
  const length = Math.min(name.length, ownerBytesMax);
  for (let index = 0; index < length; index++) {
    const code = name.charCodeAt(index);
    assert(code <= asciiMax, "an owner's name is ASCII");
    into.setUint8(at + index, code);
  }
  return length;
}

/** Reads names of owners. The same few come thousands of times a second: they are looked up by their bytes, and not made anew. */
export class OwnerNames {
  readonly #slots = new Array<Known | undefined>(slotCount);

  /** @throws DMMAP_PROTOCOL when it is not ASCII */
  read(from: DataView, at: number, length: number): string {
    let slot = 0;
    for (let index = 0; index < length; index++) slot = (slot * 31 + from.getUint8(at + index)) % slotCount;
    const known = this.#slots[slot];
    if (known !== undefined && isAt(known.bytes, from, at, length)) return known.name;
    const bytes = new Uint8Array(length);
    for (let index = 0; index < length; index++) bytes[index] = from.getUint8(at + index);
    if (bytes.some((byte) => byte > asciiMax)) {
      throw new DmmapError("DMMAP_PROTOCOL", "a lock of an owner whose name is not ASCII");
    }
    const name = String.fromCharCode(...bytes);
    this.#slots[slot] = { bytes, name };
    return name;
  }
}

function isAt(bytes: Uint8Array, from: DataView, at: number, length: number): boolean {
  if (bytes.length !== length) return false;
  for (let index = 0; index < length; index++) if (bytes[index] !== from.getUint8(at + index)) return false;
  return true;
}
