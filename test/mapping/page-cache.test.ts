import assert from "node:assert/strict";
import { closeSync, openSync, writeSync } from "node:fs";
import { test } from "node:test";
import { lacksFullUserfaultfd, lacksKernel, lacksUserfaultfd } from "../support/requires.js";
import { temporaryFolder } from "../support/temporary-folder.js";
import { CacheStage } from "./cache-stage.js";
import { ProgramThread } from "./program-thread.js";
import { at } from "./stage.js";

const skip = lacksUserfaultfd();

test("install maps up to mapEnd for who waits; touching the rest is a cheap fault, reported", { skip }, async () => {
  await using stage = await CacheStage.open();
  using thread = await ProgramThread.start(stage.handle());
  const touch = thread.load(at(4));
  await stage.event("noPage 4");
  assert.equal(stage.state(4), "waiting");
  stage.fill(2, 10, 7, 6);
  assert.equal(await touch, 7);
  assert.equal(stage.state(4), "cached");
  for (const page of [2, 3, 5]) assert.equal(await thread.load(at(page)), 7);
  assert.equal(await thread.load(at(8)), 7);
  await stage.event("touch 8");
  assert.deepEqual(stage.events, ["noPage 4", "touch 8"]);
  assert.deepEqual([stage.counts().cachedPages, stage.counts().ofPager], [8, 8]);
});

test("one install wakes all waiters of its range, in every view", { skip }, async () => {
  await using stage = await CacheStage.open();
  const handles = [stage.handle(), stage.handle({ firstPage: 2, pageCount: 8 }), stage.handle({ sharing: "private" })];
  const threads = await Promise.all(Array.from({ length: 6 }, () => ProgramThread.start(...handles)));
  const touches = threads.map((thread, index) => thread.load(at(index % 3 === 1 ? 2 : 4 + (index % 2)), index % 3));
  for (const page of [4, 5]) await stage.event(`noPage ${page}`);
  stage.fill(2, 10, 7, 10);
  assert.deepEqual(await Promise.all(touches), [7, 7, 7, 7, 7, 7]);
  for (const thread of threads) thread[Symbol.dispose]();
});

test("R12: a writer that comes while a reader waits is told, and writePage lets it through without wpPage", {
  skip,
}, async () => {
  await using stage = await CacheStage.open();
  const handle = stage.handle();
  using reader = await ProgramThread.start(handle);
  using writer = await ProgramThread.start(handle);
  const read = reader.load(at(1));
  await stage.event("noPage 1");
  const write = writer.store(at(1), 9);
  await stage.event("noPage 1 write");
  assert.equal(stage.state(1), "waiting waitingWrite");
  stage.fill(1, 2, 7, 2, 1);
  await Promise.all([read, write]);
  assert.equal(stage.state(1), "cached dirty writable");
  assert.equal(await reader.load(at(1)), 9);
  assert.deepEqual(stage.events, ["noPage 1", "noPage 1 write"]);
});

test("R2: after protect no store goes through until it is allowed; dirty stays dirty until it is said clean", {
  skip,
}, async () => {
  await using stage = await CacheStage.open();
  const one = stage.view();
  using thread = await ProgramThread.start(one.share(), stage.handle());
  stage.fill(1, 3, 7);
  stage.do("allowWrite", 1, 3);
  const bytes = new Uint8Array(one.buffer);
  bytes[at(1)] = 8;
  await thread.store(at(1) + 1, 9, 1);
  stage.do("protect", 0, 64);
  assert.equal(stage.state(1), "cached dirty");
  stage.do("markClean", 0, 64);
  assert.equal(stage.counts().dirtyPages, 0);
  for (const view of [0, 1]) {
    stage.events.length = 0;
    const store = thread.store(at(1), 20 + view, view);
    await stage.event("wpPage 1 write");
    assert.equal(bytes[at(1)], view === 0 ? 8 : 20);
    stage.do("allowWrite", 1, 2);
    await store;
    stage.do("protect", 1, 2);
  }
  assert.equal(bytes[at(1)], 21);
  assert.equal(stage.state(2), "cached", "the neighbour is still protected");
});

test("a store that waits while its page is evicted is served by the page that comes then", { skip }, async () => {
  await using stage = await CacheStage.open();
  using thread = await ProgramThread.start(stage.handle());
  stage.fill(1, 2, 7);
  assert.equal(await thread.load(at(1)), 7);
  const store = thread.store(at(1), 8);
  await stage.event("wpPage 1 write");
  stage.do("evict", 1, 2);
  assert.equal(stage.state(1), "waiting waitingWrite");
  stage.fill(1, 2, 6, 2, 1);
  await store;
  assert.equal(await thread.load(at(1)), 8);
  assert.equal(await thread.load(at(1) + 1), 6);
});

test("retry lets a thread fault again, resolve maps a cached page", { skip }, async () => {
  await using stage = await CacheStage.open();
  using thread = await ProgramThread.start(stage.handle());
  const touch = thread.load(at(1));
  await stage.event("noPage 1");
  stage.events.length = 0;
  stage.do("retry", 1);
  await stage.event("noPage 1");
  stage.fill(1, 2, 7);
  assert.equal(await touch, 7);
  const store = thread.store(at(1), 8);
  await stage.event("wpPage 1 write");
  stage.events.length = 0;
  stage.do("resolve", 1); // Not writable: it faults again.
  await stage.event("wpPage 1 write");
  stage.do("allowWrite", 1, 2);
  await store;
});

test("sweep gives touched pages a second chance and finds the cold ones", { skip }, async () => {
  await using stage = await CacheStage.open();
  const bytes = new Uint8Array(stage.view().buffer);
  stage.fill(0, 32, 7);
  for (let page = 0; page < 32; page++) assert.equal(bytes[at(page)], 7);
  assert.equal(stage.do("sweep", 32), false, "all were touched: they are unmapped and spared");
  stage.events.length = 0;
  for (const page of [3, 4, 20]) assert.equal(bytes[at(page)], 7);
  await stage.event("touch 20");
  const cold: number[] = [];
  while (stage.do("sweep", 64) === true && cold.length < 29) {
    const { sweepStart, sweepEnd } = stage.counts();
    for (let page = sweepStart; page < sweepEnd; page++) cold.push(page);
    stage.do("evict", sweepStart, sweepEnd);
  }
  const spared = new Set([3, 4, 20]);
  assert.deepEqual(
    cold,
    Array.from({ length: 32 }, (_, page) => page).filter((page) => !spared.has(page)),
  );
  assert.equal(stage.counts().cachedPages, 3);
});

test("poisoned pages refuse their waiters and later touches, until they are evicted or installed", {
  skip: lacksFullUserfaultfd() || lacksKernel(6, 6),
}, async () => {
  await using stage = await CacheStage.open();
  const view = stage.view();
  using folder = temporaryFolder();
  const file = openSync(folder.at("copy"), "w");
  const write = (page: number) => writeSync(file, new Uint8Array(view.buffer, at(page), 4096));
  stage.do("poison", 1, 3);
  assert.throws(() => write(1), { code: "EFAULT" });
  assert.throws(() => write(2), { code: "EFAULT" });
  stage.do("evict", 1, 2);
  stage.fill(1, 3, 7);
  assert.deepEqual([write(1), write(2)], [4096, 4096]);
  closeSync(file);
});

test("installZeros gives pages of zeros, and pages beyond the end are dropped from an install", { skip }, async () => {
  await using stage = await CacheStage.open();
  const bytes = new Uint8Array(stage.view().buffer);
  stage.do("installZeros", 0, 64, 0, -1);
  assert.deepEqual(new Set(bytes), new Set([0]));
  stage.do("evict", 0, 64);
  stage.do("setSize", at(2));
  stage.fill(0, 8, 7);
  assert.equal(stage.counts().cachedPages, 2);
  stage.do("setSize", at(8));
  stage.do("installZeros", 2, 8, 2, -1);
  assert.equal(bytes[at(3)], 0);
});

test("calls to a pager thread: errors cross with kind and code, events in order, synchronous calls between others", {
  skip,
}, async () => {
  await using stage = await CacheStage.open();
  assert.throws(() => stage.thread.callSync("throwRange"), { name: "RangeError", message: "out of it" });
  await assert.rejects(stage.thread.call("fail"), { code: "DMMAP_BUSY", message: "refused" });
  assert.throws(() => stage.thread.callSync("none"), /no method none/);
  const late = stage.thread.call("later", { millis: 50 });
  assert.throws(() => stage.thread.callSync("counts", undefined, 5), { code: "DMMAP_TIMEOUT" });
  assert.equal(stage.counts().cachedPages, 0);
  assert.equal(await late, "late");
  await stage.event("later -1");
  await stage.thread.close();
  await stage.thread.close();
  assert.throws(() => stage.counts(), { code: "DMMAP_CLOSED" });
});
