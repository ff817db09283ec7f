import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { Probes } from "../../src/fuse/probes.js";
import { nowMicros } from "../../src/kernel/clock.js";
import type { Pager } from "../../src/mapping/pager.js";
import { temporaryFolder } from "../support/temporary-folder.js";

test("a prober that has just come to run, and has not been heard of, gets what waits: it is not stuck", async () => {
  using folder = temporaryFolder();
  const bells: (() => void)[] = [];
  const pager: Pick<Pager, "watch"> = { watch: (_fd, _events, onReady) => void bells.push(() => onReady(0)) };
  const probes = new Probes(pager as Pager, folder.path, () => undefined);
  const over = { is: false };
  probes.try(() => {
    over.is = true;
  });
  try {
    for (let count = 0; count < 1000 && !over.is; count++) {
      await delay(10);
      probes.look(nowMicros()); // Before its bell.
      assert.equal(bells.length, 1, "there is one prober");
      if (count > 0) bells[0]();
    }
    assert.ok(over.is);
  } finally {
    probes.stop();
  }
});
