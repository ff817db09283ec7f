import assert from "node:assert/strict";
import { test } from "node:test";
import { lacksUserfaultfd } from "../support/requires.js";
import { Stage } from "./stage.js";

const skip = lacksUserfaultfd();

test("R4: a continued private page follows the file until it is written", { skip }, async () => {
  await using stage = await Stage.open();
  const [own, shared] = [stage.view("private"), stage.view("shared")];
  stage.serve(stage.thread.store(shared.addressOf(0), 1), (fault) => stage.fill(fault, 0));
  const load = stage.thread.load(own.addressOf(0));
  assert.deepEqual(
    stage.serve(load, (fault) => stage.resume(fault)),
    ["page 0: minor"],
  );
  stage.quietly(stage.thread.store(shared.addressOf(0), 2));
  assert.equal(stage.quietly(stage.thread.load(own.addressOf(0))), 2, "MAP_PRIVATE is not a snapshot");

  stage.quietly(stage.thread.store(own.addressOf(0), 50));
  assert.equal(stage.peek(0), 2, "a private store never reaches the file");
  stage.quietly(stage.thread.store(shared.addressOf(0), 3));
  assert.equal(stage.quietly(stage.thread.load(own.addressOf(0))), 50);
});

test("R4: a private first touch that stores is one minor event, and the kernel copies", { skip }, async () => {
  await using stage = await Stage.open();
  const own = stage.view("private");
  stage.put(3, 30);
  const store = stage.thread.store(own.addressOf(3), 31);
  assert.deepEqual(
    stage.serve(store, (fault) => stage.resume(fault)),
    ["page 3: minor store"],
  );
  assert.equal(stage.quietly(stage.thread.load(own.addressOf(3))), 31);
  assert.equal(stage.quietly(stage.thread.load(own.addressOf(3) + 1)), 30);
  assert.equal(stage.peek(3), 30);
  stage.file.punch(3, 4);
  assert.equal(stage.quietly(stage.thread.load(own.addressOf(3))), 31, "it survives the eviction of its origin");
});

test("R4: copyPages and zeroPages refuse a private view", { skip }, async () => {
  await using stage = await Stage.open();
  const own = stage.view("private");
  assert.throws(() => stage.uffd.copyPages(own, 0, 1, own.address, false), /R4/);
  assert.throws(() => stage.uffd.zeroPages(own, 0, 1), /R4/);
});

test("views of any kind and page offset see one file", { skip }, async () => {
  await using stage = await Stage.open();
  const views = [
    stage.view("shared"),
    stage.view("shared", 7, 3),
    stage.view("private", 8, 1),
    stage.view("shared", 8),
  ];
  stage.put(8, 80);
  for (const view of views) {
    const load = stage.thread.load(view.addressOf(8));
    const faults = stage.serve(load, (fault) => {
      assert.equal(fault.region, view);
      stage.resume(fault);
    });
    assert.deepEqual(faults, ["page 8: minor"]);
    assert.equal(load.result, 80);
  }
});

test("R19: a closed view reads zeros, keeps its address, and lets waiting threads go", { skip }, async () => {
  await using stage = await Stage.open();
  for (const sharing of ["shared", "private"] as const) {
    const view = stage.view(sharing);
    stage.serve(stage.thread.load(view.addressOf(0)), (fault) => stage.fill(fault, 5));
    const waiting = stage.thread.load(view.addressOf(9));
    stage.nextFault();
    view.replaceByZeros();
    stage.uffd.forget(view);
    stage.until("the waiting thread runs", () => waiting.isDone);
    assert.equal(waiting.result, 0);
    assert.equal(stage.quietly(stage.thread.load(view.addressOf(0))), 0);
    stage.quietly(stage.thread.store(view.addressOf(0), 66));
    assert.equal(stage.peek(0), 5, "a store into a closed view reaches nobody");
    stage.file.punch(0, 16);
  }
});
