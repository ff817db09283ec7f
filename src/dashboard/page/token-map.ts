import type { FileTokensStatus } from "../../observe/status.js";

const pageBytes = 4096;

/** A piece of a bar: from and to are parts of the whole file, 0 to 1. */
export interface Piece {
  readonly mode: "read" | "write";
  readonly from: number;
  readonly to: number;
}

/** What one node holds. */
export interface Bar {
  readonly node: number;
  readonly name: string;
  readonly pages: number;
  readonly pieces: readonly Piece[];
}

/**
 * Who holds which parts of a file: a bar for each node. Pieces that are too near to each other to be told apart, at `partsMax` to
 * a bar, are one. Tokens behind the end of file say nothing to people.
 */
export function barsOf({ sizeBytes, segments }: FileTokensStatus, partsMax: number): Bar[] {
  const pageCount = Math.max(1, Math.ceil(sizeBytes / pageBytes));
  const bars = new Map<number, { node: number; name: string; pages: number; pieces: Piece[] }>();
  for (const { node, name, mode, start, end: endOf } of segments) {
    const end = Math.min(endOf, pageCount);
    if (start >= end) continue;
    const bar = bars.get(node) ?? { node, name, pages: 0, pieces: [] };
    bars.set(node, bar);
    bar.pages += end - start;
    const piece = { mode, from: start / pageCount, to: end / pageCount };
    const last = bar.pieces.at(-1);
    const isNear = last !== undefined && last.mode === mode && piece.from - last.to < 1 / partsMax;
    if (isNear) bar.pieces[bar.pieces.length - 1] = { ...last, to: piece.to };
    else bar.pieces.push(piece);
  }
  return [...bars.values()].sort((one, other) => one.node - other.node);
}
