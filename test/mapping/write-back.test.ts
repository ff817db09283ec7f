import assert from "node:assert/strict";
import { test } from "node:test";
import { lacksUserfaultfd } from "../support/requires.js";
import { ProgramThread } from "./program-thread.js";
import { at, Stage } from "./stage.js";

const skip = lacksUserfaultfd();

test("writeMappingRange writes the dirty pages of the range, once", { skip }, async () => {
  await using stage = await Stage.open();
  const file = stage.view();
  for (const page of [0, 1, 4]) file[at(page)] = 90 + page;
  assert.equal(file[at(2)], 3);
  await stage.mapping.writeMappingRange(0, at(2));
  assert.deepEqual([stage.disk[0], stage.disk[at(1)], stage.disk[at(4)]], [90, 91, 5]);
  await stage.mapping.writeMappingRange(0, 0);
  assert.equal(stage.disk[at(4)], 94);
  const writes = stage.calls("writePages");
  await stage.mapping.writeMappingRange(0, 0);
  assert.equal(stage.calls("writePages"), writes, "nothing is dirty any more");
});

test("R3: a written page stays mapped read-only, and the next store is seen and written again", { skip }, async () => {
  await using stage = await Stage.open();
  const file = stage.view();
  for (const value of [10, 11, 12]) {
    file[at(1)] = value;
    await stage.mapping.writeMappingRange(0, 0);
    assert.equal(stage.disk[at(1)], value);
    assert.equal(file[at(1)], value);
  }
  assert.deepEqual([stage.calls("noPage"), stage.calls("wpPage")], [1, 3]);
});

test("R2: a store while the write-back is under way stays dirty", { skip }, async () => {
  await using stage = await Stage.open({ keep: true, access: "write" });
  using thread = await ProgramThread.start(stage.mapping.map().share());
  const first = thread.store(at(1), 10);
  await stage.reported(1);
  stage.order("answer");
  await first;
  const written = stage.mapping.writeMappingRange(0, 0);
  await stage.reported(2);
  const second = thread.store(at(1), 11);
  await stage.reported(3);
  stage.order("answer");
  await second;
  assert.equal(stage.disk[at(1)], 10, "the copy was taken before the store");
  stage.order("finishWrites");
  await written;
  const again = stage.mapping.writeMappingRange(0, 0);
  await stage.reported(4);
  stage.order("finishWrites");
  await again;
  assert.equal(stage.disk[at(1)], 11);
});

test("writeMappingRange waits for a write-back of the same pages that is under way", { skip }, async () => {
  await using stage = await Stage.open({ keep: true, access: "write" });
  using thread = await ProgramThread.start(stage.mapping.map().share());
  const store = thread.store(at(1), 10);
  await stage.reported(1);
  stage.order("answer");
  await store;
  let finished = 0;
  const writes = [1, 2].map(() => stage.mapping.writeMappingRange(at(1), 1).then(() => finished++));
  await stage.reported(2);
  await stage.mapping.writeMappingRange(at(3), at(1)); // Elsewhere: does not wait.
  assert.equal(finished, 0);
  stage.order("finishWrites");
  await Promise.all(writes);
  assert.equal(stage.calls("writePages"), 1);
});

test("R2: evict writes back and waits before it drops; who touches meanwhile waits and finds the new bytes", {
  skip,
}, async () => {
  await using stage = await Stage.open({ keep: true, access: "write" });
  using thread = await ProgramThread.start(stage.mapping.map().share());
  const store = thread.store(at(1), 10);
  await stage.reported(1);
  stage.order("answer");
  await store;
  let evicted = false;
  const evict = stage.mapping.evictMappingRange(0, 0).then(() => (evicted = true));
  await stage.reported(2);
  const next = thread.store(at(1) + 1, 11);
  await stage.mapping.writeMappingRange(at(5), 1); // A round trip: the store's fault has had its turn.
  assert.equal(evicted, false);
  assert.equal(stage.calls("wpPage"), 0, "a page that is being evicted takes no store");
  stage.order("finishWrites");
  await evict;
  await stage.reported(3);
  assert.equal(stage.reports[2].kind, "noPage", "dropped, so the store faults anew");
  stage.order("answer");
  await next;
  assert.deepEqual([...stage.disk.subarray(at(1), at(1) + 2)], [10, 2]);
  await finishAll(stage);
  assert.deepEqual([...stage.disk.subarray(at(1), at(1) + 2)], [10, 11]);
});

test("R9: an answer from before an eviction is dropped, and the hook asked again", { skip }, async () => {
  await using stage = await Stage.open({ keep: true });
  using thread = await ProgramThread.start(stage.mapping.map().share());
  const touch = thread.load(at(1));
  await stage.reported(1);
  await stage.mapping.evictMappingRange(0, 0);
  await stage.reported(2);
  stage.disk[at(1)] = 99;
  stage.order("answer");
  assert.equal(await touch, 99);
});

test("R9: an answer from before an eviction of neighbours leaves those out", { skip }, async () => {
  await using stage = await Stage.open({ keep: true, access: "write", readAhead: 2 });
  using thread = await ProgramThread.start(stage.mapping.map().share());
  const store = thread.store(at(1), 42);
  await stage.reported(1);
  stage.order("answer");
  await store;
  const touch = thread.load(at(0));
  await stage.reported(2);
  assert.equal(stage.disk[at(1)], 2, "page 1 of before the store is what the hook has read");
  const evicted = stage.mapping.evictMappingRange(at(1), at(1));
  await stage.reported(3);
  stage.order("finishWrites");
  await evicted;
  stage.order("answer");
  assert.equal(await touch, 1);
  const again = thread.load(at(1));
  await stage.reported(4);
  stage.order("answer");
  assert.equal(await again, 42);
});

test("R9: an answer to a fault that came while neighbours were being evicted leaves those out", { skip }, async () => {
  await using stage = await Stage.open({ keep: true, access: "write", readAhead: 2 });
  using thread = await ProgramThread.start(stage.mapping.map().share());
  const store = thread.store(at(1), 42);
  await stage.reported(1);
  stage.order("answer");
  await store;
  const evicted = stage.mapping.evictMappingRange(at(1), at(1));
  await stage.reported(2);
  stage.disk[at(1)] = 2; // As of a write that the disk has not got to yet.
  const touch = thread.load(at(0));
  await stage.reported(3);
  stage.disk[at(1)] = 42;
  stage.order("finishWrites");
  await evicted;
  stage.order("answer");
  assert.equal(await touch, 1);
  const again = thread.load(at(1));
  await stage.reported(4);
  stage.order("answer");
  assert.equal(await again, 42);
});

test("a failed write-back rejects, keeps the pages dirty, and lets nothing be evicted", { skip }, async () => {
  const stage = await Stage.open();
  const file = stage.view();
  file[at(1)] = 10;
  stage.failWrites(true);
  await assert.rejects(stage.mapping.writeMappingRange(0, 0), /the disk is full/);
  await assert.rejects(stage.mapping.evictMappingRange(0, 0), /the disk is full/);
  await assert.rejects(stage.mapping.close(), /the disk is full/);
  assert.equal(file[at(1)], 10);
  file[at(1) + 1] = 11;
  stage.failWrites(false);
  await stage.mapping.close();
  assert.deepEqual([...stage.disk.subarray(at(1), at(1) + 2)], [10, 11]);
});

test("a store loop through write-backs and evictions loses no count", { skip }, async () => {
  await using stage = await Stage.open({ access: "write" });
  stage.disk.fill(0);
  const handle = stage.mapping.map().share();
  using one = await ProgramThread.start(handle);
  using two = await ProgramThread.start(handle);
  const evictions = 100;
  let done = 0;
  const counts = [one, two].map((thread) =>
    thread.repeat({ do: "count", index: at(1), value: 20_000 }, () => done < evictions),
  );
  for (; done < evictions; done++) {
    await stage.mapping.writeMappingRange(0, 0);
    await stage.mapping.evictMappingRange(0, 0);
    stage.mapping.unmapMappingRange(0, 0);
  }
  const [first, second] = await Promise.all(counts);
  assert.ok(first > 0 && second > 0);
  assert.equal(new Uint32Array(stage.view().buffer)[at(1) / 4], first + second);
});

async function finishAll(stage: Stage): Promise<void> {
  const written = stage.mapping.writeMappingRange(0, 0);
  await stage.reported(4);
  stage.order("finishWrites");
  await written;
}
