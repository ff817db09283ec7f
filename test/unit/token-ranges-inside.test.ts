import assert from "node:assert/strict";
import { test } from "node:test";
import { TokenRanges } from "../../src/core/token-ranges.js";
import { Mode } from "../../src/core/units.js";

test("restrict, stamp and raise end inside a segment that reaches beyond their range", () => {
  const ranges = new TokenRanges();
  ranges.set(0, 100, Mode.read, 5);
  ranges.restrict(10, 20, Mode.read, 9);
  assert.equal(ranges.describe(), "read 0..100 @5", "nothing there is stronger");
  ranges.restrict(10, 20, Mode.none, 4);
  assert.equal(ranges.describe(), "read 0..100 @5", "a newer token stands");
  ranges.stamp(10, 20, 5);
  assert.equal(ranges.describe(), "read 0..100 @5");
  ranges.raise(10, 20, Mode.read, 5);
  assert.equal(ranges.describe(), "read 0..100 @5");

  ranges.set(30, 60, Mode.write, 6);
  ranges.raise(20, 40, Mode.read, 6);
  assert.equal(ranges.describe(), "read 0..20 @5, read 20..30 @6, write 30..60 @6, read 60..100 @5");
  ranges.restrict(25, 50, Mode.read, 6);
  assert.equal(ranges.describe(), "read 0..20 @5, read 20..50 @6, write 50..60 @6, read 60..100 @5");
});

test("an empty or inverted range changes nothing", () => {
  const ranges = new TokenRanges();
  ranges.set(0, 100, Mode.write, 1);
  for (const end of [50, 40]) {
    ranges.restrict(50, end, Mode.none, 9);
    ranges.stamp(50, end, 9);
  }
  assert.equal(ranges.describe(), "write 0..100 @1");
});
