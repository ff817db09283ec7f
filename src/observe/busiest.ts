import type { HomeFileStatus } from "./status.js";

/** Those first for which somebody waits, then those of which most nodes hold tokens. */
export function busiestFirst(files: readonly HomeFileStatus[]): HomeFileStatus[] {
  return files.toSorted(
    (a, b) =>
      b.waiters - a.waiters ||
      b.locksWaiting - a.locksWaiting ||
      b.writers + b.readers - a.writers - a.readers ||
      (a.name < b.name ? -1 : 1),
  );
}
