import { DmmapError } from "../core/error.js";
import type { HomeRecord, RememberedSession } from "../core/home/recovery.js";
import { pageEndAt } from "../core/units.js";
import type { Fencing } from "../observe/status.js";
import type { Store } from "../store/store.js";

const note = "sessions";

/** What the home before this one left on record in the store. */
export function readRecord(store: Store): HomeRecord {
  const text = store.readNote(note);
  if (text === undefined) return { sessions: {}, isUnsettled: false };
  const { sessions, isUnsettled = false } = JSON.parse(text) as Pick<HomeRecord, "sessions"> & Partial<HomeRecord>;
  return { sessions, isUnsettled };
}

/** @returns why it could not be written */
export function writeRecord(store: Store, record: HomeRecord): DmmapError | undefined {
  try {
    store.writeNote(note, JSON.stringify(record));
    return undefined;
  } catch (error) {
    if (error instanceof DmmapError) return error;
    throw error;
  }
}

/** What a node held of its files died with the home before: all of them may have been held for writing. */
export function lostWithHome(store: Store, { name, files }: RememberedSession): Fencing {
  const reason = "it did not come back after the home's restart";
  return { node: 0, name, reason, files: files.map((file) => ({ name: file, ranges: [[0, pageCount(store, file)]] })) };
}

function pageCount(store: Store, name: string): number {
  try {
    return pageEndAt(store.stat(name).size);
  } catch (error) {
    if (error instanceof DmmapError) return 0; // Removed meanwhile.
    throw error;
  }
}
