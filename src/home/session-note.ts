import { DmmapError } from "../core/error.js";
import type { RememberedSession, RememberedSessions } from "../core/home/recovery.js";
import { pageEndAt } from "../core/units.js";
import type { Fencing } from "../observe/status.js";
import type { Store } from "../store/store.js";

const note = "sessions";

/** The sessions of the home before this one, as it left them on record in the store. */
export function readSessions(store: Store): RememberedSessions {
  const text = store.readNote(note);
  if (text === undefined) return {};
  return (JSON.parse(text) as { sessions: RememberedSessions }).sessions;
}

export function writeSessions(store: Store, sessions: RememberedSessions): void {
  store.writeNote(note, JSON.stringify({ sessions }));
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
