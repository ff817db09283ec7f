import assert from "node:assert/strict";
import { test } from "node:test";
import { FreshGrants } from "../../src/core/token/fresh-grants.js";
import { Mode } from "../../src/core/units.js";

const hasRun = { hasRun: () => true };
const hasNotRun = { hasRun: () => false };

/** A thread that had waited since 0 as number 5 was let on to write page 7 at time 100. */
function oneGrant(since = 100): FreshGrants {
  const fresh = new FreshGrants();
  fresh.add(7, Mode.write, 5, since, 100);
  return fresh;
}

test("R10: a page is kept until the thread let on there has run", () => {
  const fresh = oneGrant();
  assert.ok(fresh.keepUntil(Mode.none, 0, 10, 6, 101, hasNotRun) > 101);
  assert.equal(fresh.keepUntil(Mode.none, 0, 10, 6, 101, hasRun), 101);
});

test("R10: and not for ever", () => {
  assert.ok(oneGrant().keepUntil(Mode.none, 0, 10, 6, 10_099, hasNotRun) > 10_099);
  assert.equal(oneGrant().keepUntil(Mode.none, 0, 10, 6, 10_100, hasNotRun), 10_100);
});

test("R10: kept for work in proportion to the wait, two milliseconds at most", () => {
  assert.equal(oneGrant(0).keepUntil(Mode.none, 0, 10, 6, 101, hasRun), 150);
  assert.equal(oneGrant(0).keepUntil(Mode.none, 0, 10, 6, 150, hasRun), 150);
  assert.equal(oneGrant(-1_000_000).keepUntil(Mode.none, 0, 10, 6, 101, hasRun), 2_100);
});

test("R10: a thread that came after the revoke does not count", () => {
  assert.equal(oneGrant().keepUntil(Mode.none, 0, 10, 4, 101, hasNotRun), 101);
});

test("a revoke elsewhere, or one that leaves enough, need not wait", () => {
  assert.equal(oneGrant().keepUntil(Mode.none, 0, 7, 6, 101, hasNotRun), 101);
  assert.equal(oneGrant().keepUntil(Mode.none, 8, 10, 6, 101, hasNotRun), 101);
  assert.equal(oneGrant().keepUntil(Mode.write, 0, 10, 6, 101, hasNotRun), 101);
  const reader = new FreshGrants();
  reader.add(7, Mode.read, 5, 100, 100);
  assert.equal(reader.keepUntil(Mode.read, 0, 10, 6, 101, hasNotRun), 101);
  assert.ok(reader.keepUntil(Mode.none, 0, 10, 6, 101, hasNotRun) > 101);
});

test("the latest of several counts; the oldest of very many is forgotten", () => {
  const fresh = new FreshGrants();
  fresh.add(1, Mode.write, 1, 0, 100);
  fresh.add(2, Mode.write, 2, 0, 200);
  assert.equal(fresh.keepUntil(Mode.none, 0, 10, 9, 201, hasRun), 300);
  for (let page = 100; page < 132; page++) fresh.add(page, Mode.write, 3, 0, 200);
  assert.equal(fresh.keepUntil(Mode.none, 0, 10, 9, 201, hasRun), 201);
});
