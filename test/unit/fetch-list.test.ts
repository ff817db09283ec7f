import assert from "node:assert/strict";
import { test } from "node:test";
import { type Acquire, AcquireList } from "../../src/core/token/acquire-list.js";
import { FetchList } from "../../src/core/token/fetch-list.js";
import { TokenRanges } from "../../src/core/token-ranges.js";
import { Mode, type PageIndex } from "../../src/core/units.js";

/** Pages 0..10 held since epoch 5, pages 2..8 under way for request 1. */
function underWay(): { fetches: FetchList; held: TokenRanges } {
  const held = new TokenRanges();
  held.set(0, 10, Mode.read, 5);
  const fetches = new FetchList();
  fetches.add(1, 2, 8, 5);
  return { fetches, held };
}

function coming(fetches: FetchList, held: TokenRanges, request?: number): number[] {
  return Array.from({ length: 12 }, (_, page) => page).filter((page) => fetches.isComing(page, held, request));
}

test("R9: what was asked under a token that is still held is good", () => {
  const { fetches, held } = underWay();
  assert.deepEqual(coming(fetches, held), [2, 3, 4, 5, 6, 7]);
  assert.deepEqual(coming(fetches, held, 1), [2, 3, 4, 5, 6, 7]);
  assert.deepEqual(coming(fetches, held, 2), []);
});

test("R9: a token that went and came back makes it old", () => {
  const { fetches, held } = underWay();
  held.restrict(4, 6, Mode.none, 5);
  assert.deepEqual(coming(fetches, held), [2, 3, 6, 7]);
  fetches.renew(held, 9, () => held.raise(4, 6, Mode.read, 9));
  assert.deepEqual(coming(fetches, held), [2, 3, 6, 7]);
});

test("R9: a grant over a range that was held all the time leaves it good", () => {
  const { fetches, held } = underWay();
  fetches.renew(held, 9, () => held.raise(0, 10, Mode.write, 9));
  assert.deepEqual(coming(fetches, held), [2, 3, 4, 5, 6, 7]);
});

test("R9: a page that was dropped here is not taken from an answer to an older question", () => {
  const { fetches, held } = underWay();
  fetches.drop(4, 5);
  assert.deepEqual(coming(fetches, held), [2, 3, 5, 6, 7]);
  fetches.drop(0, 3);
  fetches.drop(6, 12);
  assert.deepEqual(coming(fetches, held), [3, 5]);
  fetches.arrived(1, 4, true);
  assert.deepEqual(coming(fetches, held), [5]);
  fetches.arrived(1, 6, false);
  assert.deepEqual(coming(fetches, held), []);
});

test("pages that have come are no longer under way; the last answer ends them all", () => {
  const { fetches, held } = underWay();
  fetches.add(2, 8, 10, 5);
  fetches.arrived(1, 5, true);
  assert.deepEqual(coming(fetches, held), [5, 6, 7, 8, 9]);
  assert.equal(fetches.firstIn(0, 12), 5);
  assert.equal(fetches.firstIn(6, 12), 6);
  assert.equal(fetches.firstIn(0, 3), 3);
  fetches.arrived(1, 6, false);
  assert.deepEqual(coming(fetches, held), [8, 9]);
});

test("a question that fails says what will not come", () => {
  const { fetches, held } = underWay();
  fetches.drop(4, 5);
  const failed: number[][] = [];
  fetches.fail(1, (start, end) => failed.push([start, end]));
  assert.deepEqual(failed, [
    [2, 4],
    [5, 8],
  ]);
  assert.deepEqual(coming(fetches, held), []);
});

function asked(request: number, needStart: PageIndex, needEnd: PageIndex): Acquire {
  return { request, mode: Mode.read, needStart, needEnd, windowEnd: needEnd, needsData: true, isUrgent: false };
}

test("R9: a question remembers what was written back since, in a bounded way", () => {
  const acquires = new AcquireList();
  acquires.add(asked(1, 0, 4));
  acquires.overtake(10, 12);
  acquires.add(asked(2, 0, 4));
  assert.deepEqual(acquires.granted(2), []);
  assert.deepEqual(acquires.granted(1), [{ start: 10, end: 12 }]);
  acquires.add(asked(3, 0, 4));
  for (let page = 0; page < 1000; page++) acquires.overtake(page, page + 1);
  const ranges = acquires.granted(3);
  assert.ok(ranges.length <= 16);
  for (let page = 0; page < 1000; page++) assert.ok(ranges.some(({ start, end }) => page >= start && page < end));
  assert.deepEqual(acquires.granted(3), []);
});

test("a question that covers another, in range and mode, makes it needless", () => {
  const acquires = new AcquireList();
  acquires.add(asked(1, 2, 4));
  assert.ok(acquires.covers(2, 4, Mode.read));
  assert.ok(acquires.covers(3, 4, Mode.read));
  assert.ok(!acquires.covers(2, 5, Mode.read));
  assert.ok(!acquires.covers(2, 4, Mode.write));
  acquires.clear();
  assert.equal(acquires.count, 0);
});
