import assert from "node:assert/strict";
import { test } from "node:test";
import { Readahead } from "../../src/core/token/readahead.js";

/** Faults where a stream goes on, and says how much each fetched. */
function stream(readahead: Readahead, start: number, faults: number): number[] {
  const counts: number[] = [];
  for (let page = start; counts.length < faults; ) {
    const count = readahead.onFault(page);
    counts.push(count);
    page += count;
  }
  return counts;
}

test("a window grows while its stream goes on, up to 1024 pages", () => {
  assert.deepEqual(stream(new Readahead(), 10, 7), [1, 16, 64, 256, 1024, 1024, 1024]);
});

test("random access fetches one page at a time", () => {
  const readahead = new Readahead();
  for (const page of [500, 3, 77, 12, 900, 4000, 8, 60]) assert.equal(readahead.onFault(page), 1);
});

test("a fault elsewhere begins anew, and the first stream goes on", () => {
  const readahead = new Readahead();
  assert.deepEqual(stream(readahead, 0, 3), [1, 16, 64]);
  assert.equal(readahead.onFault(5000), 1);
  assert.equal(readahead.onFault(81), 256);
});

test("four streams are told apart; the one that has not gone on for longest is forgotten", () => {
  const readahead = new Readahead();
  for (const start of [0, 1000, 2000, 3000]) assert.deepEqual(stream(readahead, start, 2), [1, 16]);
  assert.equal(readahead.onFault(9000), 1);
  assert.equal(readahead.onFault(1017), 64);
  assert.equal(readahead.onFault(17), 1);
});

test("the touch of a window's middle asks for the next window, once", () => {
  const readahead = new Readahead();
  stream(readahead, 0, 3); // The last window is [17, 81), its middle 49.
  assert.equal(readahead.onTouch(48), 0);
  assert.equal(readahead.onTouch(49), 256);
  assert.equal(readahead.nextPage, 81);
  assert.equal(readahead.onTouch(49), 0);
  assert.equal(readahead.onTouch(81 + 128), 1024);
  assert.equal(readahead.nextPage, 81 + 256);
});

test("pages before a trigger are mapped, the trigger is not", () => {
  const readahead = new Readahead();
  assert.equal(readahead.mapEnd(0, 100), 100);
  stream(readahead, 0, 3);
  assert.equal(readahead.mapEnd(17, 81), 49);
  assert.equal(readahead.mapEnd(17, 40), 40);
  assert.equal(readahead.mapEnd(50, 81), 81);
  assert.equal(readahead.mapEnd(49, 81), 49);
});

test("small windows have no trigger: their end is a fault", () => {
  const readahead = new Readahead();
  stream(readahead, 0, 2);
  assert.equal(readahead.mapEnd(0, 17), 17);
});
