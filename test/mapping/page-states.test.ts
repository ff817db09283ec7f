import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { PageBit, PageStates } from "../../src/mapping/page-states.js";

/** Pages around the edges of chunks, and far away. */
const pages = fc.oneof(
  fc.integer({ min: 0, max: 40 }),
  fc.integer({ min: 4080, max: 4110 }),
  fc.integer({ min: 2 ** 40, max: 2 ** 40 + 8 }),
);
const state = fc.integer({ min: 0, max: 255 });
const bits = [PageBit.cached, PageBit.dirty, PageBit.cached | PageBit.writable, PageBit.waiting];

test("page states equal a plain map's, counts and searches included", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(pages, state), { maxLength: 60 }), pages, pages, (writes, one, other) => {
      const states = new PageStates();
      const twin = new Map<number, number>();
      for (const [page, value] of writes) {
        states.set(page, value);
        twin.set(page, value);
      }
      for (const page of twin.keys()) assert.equal(states.get(page), twin.get(page));
      const having = (bit: number) => [...twin].filter(([, value]) => (value & bit) === bit).map(([page]) => page);
      assert.equal(states.cachedPages, having(PageBit.cached).length);
      assert.equal(states.dirtyPages, having(PageBit.dirty).length);
      const [start, end] = [Math.min(one, other), Math.max(one, other)];
      const first = (found: number[]) => Math.min(end, ...found.filter((page) => page >= start));
      for (const bit of bits) assert.equal(states.next(start, end, bit, bit), first(having(bit)));
      assert.equal(
        states.nextUsed(start, end),
        first([...twin].filter(([, value]) => value !== 0).map(([page]) => page)),
      );
      if (end - start < 10_000) {
        let clear = start;
        while (clear < end && ((twin.get(clear) ?? 0) & PageBit.cached) !== 0) clear++;
        assert.equal(states.next(start, end, PageBit.cached, 0), clear);
      }
    }),
  );
});

test("states of pages that have none again take no memory", () => {
  const states = new PageStates();
  for (let page = 0; page < 1e6; page += 1000) states.set(page, PageBit.cached);
  assert.equal(states.cachedPages, 1000);
  for (let page = 0; page < 1e6; page += 1000) states.set(page, 0);
  assert.equal(states.cachedPages, 0);
  assert.equal(states.nextUsed(0, 2 ** 41), 2 ** 41);
});
