import assert from "node:assert/strict";
import { test } from "node:test";
import { FreshGrants } from "../../src/core/token/fresh-grants.js";
import { Mode } from "../../src/core/units.js";

const hasRun = { hasRun: () => true };
const hasNotRun = { hasRun: () => false };

/** A thread that had waited since 0 as number 5 was let on to write page 7 at time 100. */
function oneGrant(since = 100): FreshGrants {
  const fresh = new FreshGrants();
  fresh.add(7, 8, Mode.write, 5, since, 100);
  return fresh;
}

function revoke(mode: Mode, start: number, end: number, sequence: number, isOwn = false) {
  return { mode, start, end, sequence, isOwn };
}

test("R10: a page is kept until the thread let on there has run", () => {
  const fresh = oneGrant();
  assert.ok(fresh.keepUntil(revoke(Mode.none, 0, 10, 6), 101, hasNotRun) > 101);
  assert.equal(fresh.keepUntil(revoke(Mode.none, 0, 10, 6), 101, hasRun), 101);
});

test("R10: and not for ever", () => {
  assert.ok(oneGrant().keepUntil(revoke(Mode.none, 0, 10, 6), 10_099, hasNotRun) > 10_099);
  assert.equal(oneGrant().keepUntil(revoke(Mode.none, 0, 10, 6), 10_100, hasNotRun), 10_100);
});

test("R10: kept for work in proportion to the wait, two milliseconds at most", () => {
  assert.equal(oneGrant(0).keepUntil(revoke(Mode.none, 0, 10, 6), 101, hasRun), 150);
  assert.equal(oneGrant(0).keepUntil(revoke(Mode.none, 0, 10, 6), 150, hasRun), 150);
  assert.equal(oneGrant(-1_000_000).keepUntil(revoke(Mode.none, 0, 10, 6), 101, hasRun), 2_100);
});

test("R10: a thread that came after the revoke does not count", () => {
  assert.equal(oneGrant().keepUntil(revoke(Mode.none, 0, 10, 4), 101, hasNotRun), 101);
});

test("a revoke elsewhere, or one that leaves enough, need not wait", () => {
  assert.equal(oneGrant().keepUntil(revoke(Mode.none, 0, 7, 6), 101, hasNotRun), 101);
  assert.equal(oneGrant().keepUntil(revoke(Mode.none, 8, 10, 6), 101, hasNotRun), 101);
  assert.equal(oneGrant().keepUntil(revoke(Mode.write, 0, 10, 6), 101, hasNotRun), 101);
  const reader = new FreshGrants();
  reader.add(7, 8, Mode.read, 5, 100, 100);
  assert.equal(reader.keepUntil(revoke(Mode.read, 0, 10, 6), 101, hasNotRun), 101);
  assert.ok(reader.keepUntil(revoke(Mode.none, 0, 10, 6), 101, hasNotRun) > 101);
});

test("the latest of several counts; the oldest of very many is forgotten", () => {
  const fresh = new FreshGrants();
  fresh.add(1, 2, Mode.write, 1, 0, 100);
  fresh.add(2, 3, Mode.write, 2, 0, 200);
  assert.equal(fresh.keepUntil(revoke(Mode.none, 0, 10, 9), 201, hasRun), 300);
  for (let page = 100; page < 132; page++) fresh.add(page, page + 1, Mode.write, 3, 0, 200);
  assert.equal(fresh.keepUntil(revoke(Mode.none, 0, 10, 9), 201, hasRun), 201);
});

test("R10: what was waited for by a hold is kept for work in another cache, all of it", () => {
  const hold = { pin: 1, mode: Mode.write, start: 4, end: 9, hold: true, data: true, sequence: 5 } as const;
  const fresh = new FreshGrants();
  fresh.addHold(hold, 0, 100);
  assert.equal(fresh.keepUntil(revoke(Mode.none, 8, 9, 6), 101, hasRun), 150);
  assert.equal(fresh.keepUntil(revoke(Mode.none, 9, 20, 6), 101, hasRun), 101);
  assert.equal(fresh.keepUntil(revoke(Mode.none, 0, 4, 6), 101, hasRun), 101);
  fresh.addHold(undefined, 0, 200); // It has been given up.
  fresh.addHold({ ...hold, start: 20, end: 30 }, Number.POSITIVE_INFINITY, 200); // Nobody works with it.
  assert.equal(fresh.keepUntil(revoke(Mode.none, 9, 30, 6), 201, hasRun), 201);
});

test("R10: what a node gives back by itself, as with a lock, is kept for no work, but until its thread has run", () => {
  assert.equal(oneGrant(0).keepUntil(revoke(Mode.none, 0, 10, 6, true), 101, hasRun), 101);
  assert.ok(oneGrant(0).keepUntil(revoke(Mode.none, 0, 10, 6, true), 101, hasNotRun) > 101);
});
