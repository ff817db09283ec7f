import assert from "node:assert/strict";
import { test } from "node:test";
import { explore, type SmallWorld } from "../../sim/explore.js";

/** A test of each world. Prints how much has been seen. */
export function searchAll(rules: string, worlds: readonly SmallWorld[]): void {
  for (const small of worlds) {
    test(`${rules}: every order of events keeps every promise: ${small.name}`, (context) => {
      const { states, transitions, ends, depthMax } = explore(small);
      context.diagnostic(`${states} states, ${transitions} transitions, ${ends} ends, ${depthMax} deep`);
      assert.ok(states > 100, "a search that saw nothing has not passed");
      assert.ok(ends > 0);
    });
  }
}
