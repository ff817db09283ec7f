import assert from "node:assert/strict";
import { test } from "node:test";
import { DmmapError } from "../../src/core/error.js";
import type { OpenFile } from "../../src/home/open-file.js";
import { Settling } from "../../src/home/settling.js";
import type { SyncDone } from "../../src/store/store.js";

/** A disk that answers when the test says so, and what is on record meanwhile. */
function parts() {
  const parked: (() => void)[] = [];
  const recovery = {
    isOpen: false,
    park: (action: () => void) => void parked.push(action),
    beginSettling: () => {
      now.onRecord++;
      return () => void now.onRecord--;
    },
  };
  const now = { onRecord: 0, settled: 0, warnings: [] as string[], isUnstable: true, isGone: false };
  const syncs: SyncDone[] = [];
  const open = { name: "file", duties: { isUnstable: () => now.isUnstable } } as unknown as OpenFile;
  const settling = new Settling(recovery, {
    sync: (_open, done) => void syncs.push(done),
    isGone: () => now.isGone,
    onSettled: () => void now.settled++,
    onWarning: (message) => void now.warnings.push(message),
  });
  const answer = (error?: DmmapError) => {
    now.isUnstable = error !== undefined;
    for (const done of syncs.splice(0)) done(error);
  };
  return { settling, open, recovery, parked, syncs, answer, now };
}

const full = new DmmapError("DMMAP_NO_SPACE", "the disk is full");

test("whoever leaves while a sync is under way is on record until one has come to a good end", () => {
  const { settling, open, answer, syncs, now } = parts();
  settling.settle(open);
  settling.settle(open);
  assert.deepEqual([now.onRecord, syncs.length], [2, 2]);
  answer(full);
  assert.deepEqual([now.onRecord, now.settled, now.warnings.length, settling.isFailing], [1, 0, 1, true]);
  settling.settle(open); // Opened and closed again: the same is still to be done.
  assert.deepEqual([now.onRecord, syncs.length, settling.isFailing], [1, 1, false]);
  answer(full);
  settling.retry();
  assert.deepEqual([now.onRecord, syncs.length, now.warnings.length], [1, 1, 1]);
  answer();
  assert.deepEqual([now.onRecord, now.settled, now.warnings.length, settling.isFailing], [0, 1, 2, false]);
  settling.retry();
  assert.equal(syncs.length, 0);
});

test("what somebody else has synced meanwhile needs no sync, and is settled", () => {
  const { settling, open, answer, syncs, now } = parts();
  settling.settle(open);
  answer(full);
  now.isUnstable = false;
  settling.retry();
  assert.deepEqual([syncs.length, now.onRecord, now.settled], [0, 0, 1]);
});

test("what nobody can see any more needs no sync, however often that has failed", () => {
  const { settling, open, answer, syncs, now } = parts();
  settling.settle(open);
  answer(full);
  now.isGone = true;
  settling.retry();
  assert.deepEqual([syncs.length, now.onRecord, now.settled, settling.isFailing], [0, 0, 1, false]);
  assert.match(now.warnings[1], /file is gone with it/);
});

test("nothing is synced while nodes still come back", () => {
  const { settling, open, recovery, parked, syncs, now } = parts();
  recovery.isOpen = true;
  settling.settle(open);
  assert.deepEqual([now.onRecord, syncs.length], [1, 0]);
  recovery.isOpen = false;
  for (const action of parked) action();
  assert.equal(syncs.length, 1);
});
