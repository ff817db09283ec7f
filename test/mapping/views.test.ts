import assert from "node:assert/strict";
import { test } from "node:test";
import { lacksUserfaultfd } from "../support/requires.js";
import { at, Stage } from "./stage.js";

const skip = lacksUserfaultfd();

test("a touch calls noPage once a page, and a shared store is seen by every view", { skip }, async () => {
  await using stage = await Stage.open();
  const one = stage.view();
  const two = stage.view("shared", 2, 3);
  assert.equal(one[at(2)], 3);
  assert.equal(two[at(0)], 3);
  assert.equal(stage.calls("noPage"), 1);
  one[at(2) + 7] = 99;
  assert.equal(two[7], 99);
  assert.equal(stage.calls("wpPage"), 1);
  two[8] = 98;
  assert.equal(one[at(2) + 8], 98);
  assert.equal(stage.calls("wpPage"), 1, "one wpPage for a page, whichever view stores");
});
