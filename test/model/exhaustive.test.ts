import assert from "node:assert/strict";
import { test } from "node:test";
import { explore } from "../../sim/explore.js";
import { smallWorlds } from "../../sim/small-worlds.js";

for (const small of smallWorlds) {
  test(`R1, R2, R9, R10: every order of events keeps every promise: ${small.name}`, (context) => {
    const { states, transitions, ends, depthMax } = explore(small);
    context.diagnostic(`${states} states, ${transitions} transitions, ${ends} ends, ${depthMax} deep`);
    assert.ok(states > 100, "a search that saw nothing has not passed");
    assert.ok(ends > 0);
  });
}
