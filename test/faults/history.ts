import { readFileSync } from "node:fs";

/** One access of a program to a word, with the times on the machine's monotonic clock, in microseconds. */
export interface Access {
  readonly kind: "read" | "write";
  readonly process: number;
  readonly key: number;
  readonly value: number;
  readonly start: number;
  /** Infinity: it was never seen to end, since the program was killed in it. */
  readonly end: number;
}

/** A `sync` that was acknowledged. */
export interface Synced {
  readonly process: number;
  readonly start: number;
  readonly end: number;
}

export interface History {
  readonly accesses: Access[];
  readonly syncs: Synced[];
}

export const recordBytes = 32;
export const Kind = { read: 1, writeBegins: 2, writeEnds: 3, synced: 4 } as const;

/** Reads what one program recorded, up to where it was killed. */
export function readHistory(path: string, process: number): History {
  const bytes = readFileSync(path);
  const accesses: Access[] = [];
  const syncs: Synced[] = [];
  let begun: Access | undefined;
  for (let at = 0; at + recordBytes <= bytes.byteLength; at += recordBytes) {
    const kind = bytes.readInt32LE(at);
    const [key, value] = [bytes.readInt32LE(at + 4), bytes.readInt32LE(at + 8)];
    const [start, end] = [bytes.readDoubleLE(at + 16), bytes.readDoubleLE(at + 24)];
    if (kind === Kind.read) accesses.push({ kind: "read", process, key, value, start, end });
    else if (kind === Kind.synced) syncs.push({ process, start, end });
    else if (kind === Kind.writeBegins) begun = { kind: "write", process, key, value, start, end: Infinity };
    else {
      accesses.push({ kind: "write", process, key, value, start, end });
      begun = undefined;
    }
  }
  if (begun !== undefined) accesses.push(begun);
  return { accesses, syncs };
}

export function joined(histories: readonly History[]): History {
  return {
    accesses: histories.flatMap(({ accesses }) => accesses),
    syncs: histories.flatMap(({ syncs }) => syncs),
  };
}
