import assert from "node:assert/strict";
import { test } from "node:test";
import { lacksFullUserfaultfd, lacksUserfaultfd } from "../support/requires.js";
import { Stage } from "./stage.js";

const skip = lacksUserfaultfd();

test("a thread that waits in a fault lets the others run", { skip }, async () => {
  await using stage = await Stage.open();
  const other = await stage.addToucher();
  const view = stage.view("shared");
  const waiting = stage.thread.load(view.addressOf(0));
  const fault = stage.nextFault();
  const touch = other.load(view.addressOf(1));
  assert.deepEqual(
    stage.serve(touch, (another) => stage.fill(another, 21)),
    ["page 1: missing"],
  );
  assert.equal(touch.result, 21);
  assert.equal(waiting.isDone, false);
  stage.fill(fault, 20);
  assert.deepEqual(
    stage.serve(waiting, () => undefined),
    [],
  );
  assert.equal(waiting.result, 20);
});

test("several threads on one page: an event each, one answer wakes them all", { skip }, async () => {
  await using stage = await Stage.open();
  const other = await stage.addToucher();
  const view = stage.view("shared");
  const first = stage.thread.load(view.addressOf(0));
  const fault = stage.nextFault();
  const second = other.load(view.addressOf(0) + 1);
  stage.nextFault();
  assert.equal(stage.fill(fault, 4), "done");
  stage.until("both threads run", () => first.isDone && second.isDone);
  assert.deepEqual([first.result, second.result], [4, 4]);
});

test("each event names its thread", { skip }, async () => {
  await using stage = await Stage.open();
  const other = await stage.addToucher();
  const view = stage.view("shared");
  const touches = [stage.thread.load(view.addressOf(0)), other.load(view.addressOf(1))];
  const threads = new Set<number>();
  stage.until("two faults came", () => {
    stage.uffd.readFaults((_region, _page, _flags, thread) => threads.add(thread));
    return threads.size === 2;
  });
  assert.equal(threads.has(process.pid), false, "the main thread faulted nowhere");
  stage.put(0, 1);
  stage.put(1, 1);
  assert.equal(stage.uffd.continuePages(view, 0, 2, false), "done");
  stage.until("both threads run", () => touches.every((touch) => touch.isDone));
});

test("a wake without an answer makes the thread fault again", { skip }, async () => {
  await using stage = await Stage.open();
  const view = stage.view("shared");
  const touch = stage.thread.load(view.addressOf(2));
  stage.nextFault();
  stage.uffd.wake(view, 2, 3);
  assert.deepEqual(
    stage.serve(touch, (fault) => stage.fill(fault, 2)),
    ["page 2: missing"],
  );
});

test("full service: a system call on an unresolved page is served", { skip: lacksFullUserfaultfd() }, async () => {
  await using stage = await Stage.open();
  for (const sharing of ["shared", "private"] as const) {
    const view = stage.view(sharing);
    const write = stage.thread.write(view.addressOf(0));
    assert.deepEqual(
      stage.serve(write, (fault) => stage.fill(fault, 1)),
      ["page 0: missing"],
    );
    assert.equal(write.result, 1);
    stage.file.punch(0, 1);
  }
});
