import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { shared, within } from "../../src/node/patience.js";

test("a timeout without end, or longer than a timer can be, does not end at once", async () => {
  for (const timeout of [Number.POSITIVE_INFINITY, 2 ** 31, Number.MAX_VALUE]) {
    assert.equal(await within("work", { timeout }, delay(50, "done")), "done");
    assert.equal(await within("work", shared({ timeout }), delay(50, "done")), "done");
  }
});
