/**
 * Numbers with a kind. The brand is optional, so that a literal fits anywhere but a page never passes for a byte offset.
 * All of them are exact doubles up to 2^53; never use `>>` or `|0` on one (R8).
 */
declare const unit: unique symbol;
type Unit<Name extends string> = number & { readonly [unit]?: Name };

/** Index of a page in a file. */
export type PageIndex = Unit<"PageIndex">;
/** Bytes from the start of a file. */
export type ByteOffset = Unit<"ByteOffset">;
/** Microseconds of a monotonic clock. Only differences mean anything. */
export type Micros = Unit<"Micros">;
/** Number of a grant; never reused within a file's time at one home. */
export type Epoch = Unit<"Epoch">;
/** A connected node, as its home numbers it. */
export type NodeId = Unit<"NodeId">;

export const pageBytes = 4096;
/** Files may be 2^53 - 1 bytes long; the last page of such a file has the index before this one. */
export const pageMax: PageIndex = 2 ** 41;
export const fileBytesMax: ByteOffset = Number.MAX_SAFE_INTEGER;

/** Rounds down: the page that holds this byte. */
export function pageAt(offset: ByteOffset): PageIndex {
  return Math.floor(offset / pageBytes);
}

/** Rounds up: the first page that begins at or after this byte. A range's end, or a file's page count. */
export function pageEndAt(offset: ByteOffset): PageIndex {
  return Math.ceil(offset / pageBytes);
}

/** The first page whose content changes when a file goes from one size to the other. */
export function firstPageChanged(fromBytes: ByteOffset, toBytes: ByteOffset): PageIndex {
  return pageAt(Math.min(fromBytes, toBytes));
}

/** What a token allows. The order is the strength, so modes compare with `<`. */
export const Mode = { none: 0, read: 1, write: 2 } as const;
export type Mode = (typeof Mode)[keyof typeof Mode];

export type Policy = "simple" | "optimal";
