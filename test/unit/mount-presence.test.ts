import assert from "node:assert/strict";
import { test } from "node:test";
import { MountPresence, PresenceWatch } from "../../src/fuse/mount-presence.js";
import { until } from "../support/until.js";

const device = `0:test of ${process.pid}`;

async function watch(): Promise<PresenceWatch> {
  let started: PresenceWatch | undefined;
  await until("the mount can be watched", async () => {
    started = await PresenceWatch.start(device);
    return started !== undefined;
  });
  return started as PresenceWatch;
}

test("a mount that waits for its home leaves the number of its device to the next mount", async () => {
  const former = new MountPresence(device);
  const formerWatch = await watch();
  const next = new MountPresence(device); // Before the former one has noticed that it is unmounted.
  former.onUnmounted();
  const nextWatch = await watch();
  const ends: string[] = [];
  const ended = [formerWatch.end().then(() => ends.push("former")), nextWatch.end().then(() => ends.push("next"))];
  former.end(true);
  await ended[0];
  assert.deepEqual(ends, ["former"]);
  next.end(true);
  await Promise.all(ended);
});
