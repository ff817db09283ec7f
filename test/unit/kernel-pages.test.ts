import assert from "node:assert/strict";
import { test } from "node:test";
import { KernelPages } from "../../src/fuse/kernel-pages.js";

function stage() {
  const told: string[] = [];
  const ids: number[] = [];
  const pages = new KernelPages((start, end, id) => {
    told.push(`${start}..${end}`);
    ids.push(id);
  });
  return { pages, told, ids };
}

test("a page that the kernel is being told to drop is in no other notice", () => {
  const { pages, told, ids } = stage();
  pages.give(0, 10);
  assert.equal(pages.recall(5, 8), false);
  assert.equal(pages.recall(0, 10), false);
  assert.deepEqual(told, ["5..8", "0..5", "8..10"]);
  pages.onDropped(ids[0]);
  assert.equal(pages.recall(5, 8), true, "the token for these may go");
  pages.onDropped(ids[1]);
  pages.onDropped(ids[2]);
  assert.equal(pages.recall(0, 10), true);
});

test("what the kernel was given while it was told to drop it is told again", () => {
  const { pages, told, ids } = stage();
  pages.give(0, 4);
  pages.recall(0, 4);
  pages.give(1, 2);
  pages.onDropped(ids[0]);
  assert.equal(pages.recall(0, 4), false);
  assert.deepEqual(told, ["0..4", "1..2"]);
});

test("a file of thousands of runs is dropped as fast as one of few", () => {
  const { pages, told, ids } = stage();
  const runs = 5000;
  for (let run = 0; run < runs; run++) pages.give(run * 2, run * 2 + 1);
  const start = performance.now();
  assert.equal(pages.recall(0, 2 * runs), false);
  // Whoever waits for all of them asks again with each that goes.
  for (const id of ids.slice(0, -1)) {
    pages.onDropped(id);
    assert.equal(pages.recall(0, 2 * runs), false);
  }
  pages.onDropped(ids[runs - 1]);
  assert.equal(pages.recall(0, 2 * runs), true);
  assert.equal(told.length, runs);
  assert.ok(performance.now() - start < 3000, "milliseconds, where looking at all of them each time is ten seconds");
});

test("what is given between two notices is told too", () => {
  const { pages, told, ids } = stage();
  pages.give(0, 2);
  pages.give(4, 6);
  assert.equal(pages.recall(0, 10), false);
  pages.give(8, 9);
  assert.equal(pages.recall(0, 10), false);
  assert.deepEqual(told, ["0..2", "4..6", "8..9"]);
  pages.give(0, 1);
  pages.onDropped(ids[0]);
  assert.equal(pages.recall(0, 10), false);
  assert.deepEqual(told, ["0..2", "4..6", "8..9", "0..1"]);
  for (const id of ids.slice(1)) pages.onDropped(id);
  assert.equal(pages.recall(0, 10), true);
});

test("a page that was given during its drop may be there, until the kernel asks for it", () => {
  const { pages, ids } = stage();
  pages.give(0, 4);
  pages.recall(0, 4);
  pages.giveRead(1, 3, 7);
  assert.equal(pages.onDropped(ids[0]), true, "perhaps before it was given, perhaps after");
  assert.equal(pages.has(1, 3), true);
  pages.forget(1, 2);
  assert.equal(pages.has(1, 2), false);

  pages.recall(2, 3);
  pages.giveRead(2, 3, 7);
  pages.forgetSince(2, 3);
  assert.equal(pages.onDropped(ids[1]), false, "asked for during the drop");
  assert.equal(pages.has(0, 4), false);
});
