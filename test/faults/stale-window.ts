import { writeFileSync } from "node:fs";
import type { NodeState } from "../cluster/node-state.js";

export interface Window {
  /** How long the program's thread ran after its pause before a touch no longer gave the old value. */
  readonly staleMicros: number;
  readonly staleReads: number;
  readonly pauseMillis: number;
  /** What it read then. */
  readonly fresh: number;
}

export interface WatchArgs {
  readonly map?: string;
  /** In bytes. */
  readonly at: number;
  readonly ready: string;
  readonly gapMillis: number;
}

/** What a program sees that runs again after its node was stopped for longer than its lease. */
export const staleWindow = {
  /**
   * Looks at a word without end until it finds that time has jumped: it was stopped. From then on it counts for how long
   * it still sees the value of before, which others have replaced meanwhile. It makes the file `ready` when it begins.
   */
  watchForStop(node: NodeState, { map, at, ready, gapMillis }: WatchArgs): Window {
    const words = node.words(map);
    const before = Atomics.load(words, at / 4);
    let last = performance.now();
    writeFileSync(ready, "");
    for (const end = last + 20_000; last < end; ) {
      const value = Atomics.load(words, at / 4);
      const now = performance.now();
      if (now - last > gapMillis) return measure(words, at / 4, before, value, last, now);
      last = now;
    }
    throw new Error("it was never stopped");
  },
};

function measure(words: Int32Array, index: number, before: number, first: number, last: number, now: number): Window {
  let staleReads = 0;
  let value = first;
  let staleUntil = now;
  while (value === before) {
    staleReads++;
    staleUntil = performance.now();
    if (staleUntil - now > 5000) throw new Error("the value of before is still there after 5 s");
    value = Atomics.load(words, index);
  }
  return { staleMicros: (staleUntil - now) * 1000, staleReads, pauseMillis: now - last, fresh: value };
}
