import assert from "node:assert/strict";
import { test } from "node:test";
import { Region } from "../../src/kernel/region.js";
import { lacksUserfaultfd } from "../support/requires.js";
import { Stage } from "./stage.js";

const skip = lacksUserfaultfd();

test("a page continued with protection raises a protected store, flags 3", { skip }, async () => {
  await using stage = await Stage.open();
  const view = stage.view("shared");
  stage.serve(stage.thread.load(view.addressOf(1)), (fault) => stage.fill(fault, 6));
  const store = stage.thread.store(view.addressOf(1), 7);
  const fault = stage.nextFault();
  assert.equal(fault.flags, 3);
  assert.equal(stage.peek(1), 6, "the store has not happened yet");
  assert.equal(stage.uffd.writeProtect(view, 1, 2, false), "done");
  assert.deepEqual(
    stage.serve(store, () => undefined),
    [],
  );
  assert.equal(stage.peek(1), 7);
});

test("a first touch that stores, answered with protection, costs a second event", { skip }, async () => {
  await using stage = await Stage.open();
  const view = stage.view("shared");
  const store = stage.thread.store(view.addressOf(0), 1);
  const events = stage.serve(store, ({ region, page, flags }) => {
    if ((flags & 2) !== 0) return stage.uffd.writeProtect(region, page, page + 1, false);
    stage.put(page, 0);
    return stage.uffd.continuePages(region, page, page + 1, true);
  });
  assert.deepEqual(events, ["page 0: missing store", "page 0: protected store"]);
});

test("R12: a first touch that stores, answered without protection, is one event", { skip }, async () => {
  await using stage = await Stage.open();
  const view = stage.view("shared");
  const store = stage.thread.store(view.addressOf(0), 1);
  assert.deepEqual(
    stage.serve(store, (fault) => stage.fill(fault, 0)),
    ["page 0: missing store"],
  );
  assert.equal(stage.quietly(stage.thread.store(view.addressOf(0), 2)), 2);
});

test("unmapPages and a plain continue lose the protection, though its marker stayed", { skip }, async () => {
  await using stage = await Stage.open();
  const view = stage.view("shared");
  stage.serve(stage.thread.load(view.addressOf(4)), (fault) => stage.fill(fault, 1));
  view.unmapPages(4, 5);
  assert.equal(stage.uffd.continuePages(view, 4, 5, false), "done");
  assert.equal(stage.quietly(stage.thread.store(view.addressOf(4), 2)), 2);
});

test("a punch keeps the marker of a protected page, and a continue decides anew", { skip }, async () => {
  await using stage = await Stage.open();
  const view = stage.view("shared");
  stage.serve(stage.thread.load(view.addressOf(4)), (fault) => stage.fill(fault, 1));
  stage.file.punch(4, 5);
  const store = stage.thread.store(view.addressOf(4), 2);
  assert.deepEqual(
    stage.serve(store, (fault) => stage.fill(fault, 0)),
    ["page 4: missing store"],
  );
  assert.equal(stage.peek(4), 2);
});

test("R3: protecting mapped pages stops stores, and loads go on", { skip }, async () => {
  await using stage = await Stage.open();
  const view = stage.view("shared");
  for (const page of [2, 3]) stage.serve(stage.thread.store(view.addressOf(page), 9), (fault) => stage.fill(fault, 0));
  assert.equal(stage.uffd.writeProtect(view, 2, 4, true), "done");
  assert.equal(stage.quietly(stage.thread.load(view.addressOf(2))), 9);
  const store = stage.thread.store(view.addressOf(3), 10);
  const events = stage.serve(store, ({ region, page }) => stage.uffd.writeProtect(region, page, page + 1, false));
  assert.deepEqual(events, ["page 3: protected store"]);
});

test("protection is per view: a store through another view of the page is not seen", { skip }, async () => {
  await using stage = await Stage.open();
  const [first, second] = [stage.view("shared"), stage.view("shared")];
  for (const view of [first, second]) {
    stage.put(0, 1);
    stage.serve(stage.thread.store(view.addressOf(0), 1), (fault) => stage.resume(fault));
  }
  assert.equal(stage.uffd.writeProtect(first, 0, 1, true), "done");
  assert.equal(stage.quietly(stage.thread.store(second.addressOf(0), 2)), 2);
  assert.equal(stage.quietly(stage.thread.load(first.addressOf(0))), 2);
});

test("pages that are not mapped can be protected: the marker waits, but does not outlive a continue", {
  skip,
}, async () => {
  await using stage = await Stage.open();
  const view = stage.view("shared");
  stage.put(0, 3);
  assert.equal(stage.uffd.writeProtect(view, 0, 16, true), "done");
  const load = stage.thread.load(view.addressOf(0));
  const events = stage.serve(load, ({ region, page }) => stage.uffd.continuePages(region, page, page + 1, false));
  assert.deepEqual(events, ["page 0: minor"]);
  assert.equal(stage.quietly(stage.thread.store(view.addressOf(0), 4)), 4);
});

test("copyPages with protection and without", { skip }, async () => {
  await using stage = await Stage.open();
  const view = stage.view("shared");
  const alias = new Region(stage.file, 8, 2, "shared"); // a source of bytes that no userfaultfd watches
  stage.put(8, 88);
  for (const protect of [true, false]) {
    const load = stage.thread.load(view.addressOf(protect ? 0 : 1));
    stage.serve(load, ({ region, page }) => stage.uffd.copyPages(region, page, page + 1, alias.addressOf(8), protect));
    assert.equal(load.result, 88);
  }
  const store = stage.thread.store(view.addressOf(0), 1);
  const events = stage.serve(store, ({ region, page }) => stage.uffd.writeProtect(region, page, page + 1, false));
  assert.deepEqual(events, ["page 0: protected store"]);
  assert.equal(stage.quietly(stage.thread.store(view.addressOf(1), 1)), 1);
  assert.equal(stage.peek(1), 1, "the copied page is in the memfd");
  alias.release();
});

test("zeroPages puts a page of zeros into the memfd, not protected", { skip }, async () => {
  await using stage = await Stage.open();
  const [view, other] = [stage.view("shared"), stage.view("private")];
  const load = stage.thread.load(view.addressOf(6));
  stage.serve(load, ({ region, page }) => stage.uffd.zeroPages(region, page, page + 1));
  assert.equal(load.result, 0);
  assert.equal(stage.quietly(stage.thread.store(view.addressOf(6), 5)), 5);
  assert.equal(stage.peek(6), 5);
  const touch = stage.thread.load(other.addressOf(6));
  assert.deepEqual(
    stage.serve(touch, (fault) => stage.resume(fault)),
    ["page 6: minor"],
  );
});
