import assert from "node:assert/strict";
import { test } from "node:test";
import { pageBytes } from "../../src/core/units.js";
import { WritesUnderWay } from "../../src/fuse/writes-under-way.js";

test("who waits for a write goes on when it is done, but not who has been cancelled, be it by one that went before", () => {
  const writes = new WritesUnderWay();
  const end = writes.begin(100, pageBytes + 1);
  const acted: string[] = [];
  const cancels: (() => void)[] = [];
  cancels.push(writes.whenClear(0, 1, () => acted.push("cancelled")));
  writes.whenClear(1, 2, () => {
    acted.push("first");
    cancels[1]();
  });
  cancels.push(writes.whenClear(0, 2, () => acted.push("cancelled by the first")));
  writes.whenClear(1, 3, () => acted.push("last"));
  cancels[0]();
  assert.deepEqual([writes.touches(2, 9), writes.touches(1, 2), writes.reaches(pageBytes + 1)], [false, true, true]);
  end();
  end();
  assert.deepEqual(acted, ["first", "last"]);
});
