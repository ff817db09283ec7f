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
