import assert from "node:assert/strict";
import { test } from "node:test";
import { check } from "../../src/kernel/errno.js";
import { fallocate, ftruncate } from "../../src/kernel/libc.js";
import { pageBytes } from "../../src/kernel/page-size.js";
import { lacksUserfaultfd } from "../support/requires.js";
import { Stage } from "./stage.js";

const skip = lacksUserfaultfd();
const punchHole = 0x3; // FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE

test("a punched page is gone from every view and is missing again", { skip }, async () => {
  await using stage = await Stage.open();
  const views = [stage.view("shared"), stage.view("shared", 2, 4), stage.view("private")];
  stage.put(3, 11);
  for (const view of views) {
    const touch = stage.thread.load(view.addressOf(3));
    assert.deepEqual(
      stage.serve(touch, (fault) => stage.resume(fault)),
      ["page 3: minor"],
    );
    assert.equal(touch.result, 11);
  }
  stage.file.punch(3, 4);
  for (const view of views) {
    const touch = stage.thread.load(view.addressOf(3));
    const answer = view === views[0] ? ["page 3: missing"] : ["page 3: minor"];
    assert.deepEqual(
      stage.serve(touch, (fault) => stage.fill(fault, 12)),
      answer,
    );
    assert.equal(touch.result, 12);
  }
});

test("R8: a punch that is not page aligned zeroes bytes in place and leaves the pages mapped", { skip }, async () => {
  await using stage = await Stage.open();
  const view = stage.view("shared");
  for (const page of [0, 1]) {
    stage.put(page, 5);
    stage.serve(stage.thread.load(view.addressOf(page)), (fault) => stage.resume(fault));
  }
  check(fallocate(stage.file.fd, punchHole, pageBytes - 1, 2), "fallocate");
  assert.equal(stage.quietly(stage.thread.load(view.addressOf(1) - 1)), 0);
  assert.equal(stage.quietly(stage.thread.load(view.addressOf(1))), 0);
  assert.equal(stage.quietly(stage.thread.load(view.addressOf(1) + 1)), 5);
});

test("R4: privately written pages survive a punch, pages only read do not", { skip }, async () => {
  await using stage = await Stage.open();
  const view = stage.view("private");
  for (const page of [0, 1]) {
    stage.put(page, 20 + page);
    stage.serve(stage.thread.load(view.addressOf(page)), (fault) => stage.resume(fault));
  }
  assert.equal(stage.quietly(stage.thread.store(view.addressOf(0), 99)), 99);
  stage.file.punch(0, 2);
  assert.equal(stage.quietly(stage.thread.load(view.addressOf(0))), 99);
  assert.equal(
    stage.quietly(stage.thread.load(view.addressOf(0) + 1)),
    20,
    "the rest of a written page is its own too",
  );
  const touch = stage.thread.load(view.addressOf(1));
  assert.deepEqual(
    stage.serve(touch, (fault) => stage.fill(fault, 77)),
    ["page 1: missing"],
  );
  assert.equal(touch.result, 77);
});

for (const [name, drop] of [
  [
    "ftruncate",
    (stage: Stage) => {
      check(ftruncate(stage.file.fd, 0), "ftruncate");
      check(ftruncate(stage.file.fd, 16 * pageBytes), "ftruncate");
    },
  ],
  [
    "unmapPages and punch",
    (stage: Stage, view: { unmapPages(start: number, end: number): void }) => {
      stage.file.punch(1, 16);
      view.unmapPages(1, 16);
    },
  ],
] as const) {
  test(`R5: ${name} drops privately written pages`, { skip }, async () => {
    await using stage = await Stage.open();
    const view = stage.view("private");
    const written = stage.thread.store(view.addressOf(2), 42);
    assert.deepEqual(
      stage.serve(written, (fault) => stage.fill(fault, 1)),
      ["page 2: missing store"],
    );
    drop(stage, view);
    const touch = stage.thread.load(view.addressOf(2));
    assert.deepEqual(
      stage.serve(touch, (fault) => stage.fill(fault, 0)),
      ["page 2: missing"],
    );
    assert.equal(touch.result, 0);
  });
}

test("unmapPages of a shared view keeps the page: the next touch is a minor fault", { skip }, async () => {
  await using stage = await Stage.open();
  const view = stage.view("shared");
  stage.serve(stage.thread.store(view.addressOf(5), 8), (fault) => stage.fill(fault, 7));
  view.unmapPages(5, 6);
  assert.equal(stage.peek(5), 8);
  const touch = stage.thread.load(view.addressOf(5));
  assert.deepEqual(
    stage.serve(touch, (fault) => stage.resume(fault)),
    ["page 5: minor"],
  );
  assert.equal(touch.result, 8);
});

test("a page beside a mapped one still faults: no fault-around in a registered view", { skip }, async () => {
  await using stage = await Stage.open();
  for (let page = 0; page < 16; page++) stage.put(page, page);
  for (const sharing of ["shared", "private"] as const) {
    const view = stage.view(sharing);
    for (const page of [7, 8, 6]) {
      const touch = stage.thread.load(view.addressOf(page));
      assert.deepEqual(
        stage.serve(touch, (fault) => stage.resume(fault)),
        [`page ${page}: minor`],
      );
    }
  }
});
