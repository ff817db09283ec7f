import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Errno } from "../../src/kernel/errno.js";
import { Userfaultfd } from "../../src/kernel/userfaultfd.js";
import { lacksUserfaultfd } from "../support/requires.js";
import { Stage } from "./stage.js";

const skip = lacksUserfaultfd();
const skipPoison = skip || lacksPoison();
const program = fileURLToPath(new URL("./sigbus-program.js", import.meta.url));

for (const sharing of ["shared", "private"]) {
  test(`R6: a touch beyond the memfd's end is SIGBUS without an event (${sharing})`, { skip }, () => {
    assert.deepEqual(fate("beyondEnd", sharing), { output: "about to touch\n", signal: "SIGBUS" });
  });
  for (const how of ["poison", "poisonThenPunch", "poisonThenFill"]) {
    test(`a touch of a poisoned page is SIGBUS (${how}, ${sharing})`, { skip: skipPoison }, () => {
      assert.deepEqual(fate(how, sharing), { output: "about to touch\n", signal: "SIGBUS" });
    });
  }
}

test("unmapPages clears poison: the next touch is a fault again", { skip: skipPoison }, async () => {
  await using stage = await Stage.open();
  for (const sharing of ["shared", "private"] as const) {
    const view = stage.view(sharing);
    assert.equal(stage.uffd.poison(view, 0, 3), "done");
    assert.equal(stage.uffd.lastProcessedPages, 3);
    view.unmapPages(1, 2);
    const touch = stage.thread.load(view.addressOf(1));
    assert.deepEqual(
      stage.serve(touch, (fault) => stage.fill(fault, 3)),
      ["page 1: missing"],
    );
    stage.file.punch(1, 2);
  }
});

test("poison takes the place of whatever a shared view has there", { skip: skipPoison }, async () => {
  await using stage = await Stage.open();
  const view = stage.view("shared");
  for (const page of [0, 1]) {
    stage.put(page, page);
    assert.equal(stage.uffd.continuePages(view, page, page + 1, true), "done");
  }
  stage.file.punch(1, 2); // the marker of its protection stays, and the kernel would answer EEXIST
  assert.equal(stage.uffd.poison(view, 0, 2), "done");
  assert.equal(stage.uffd.poison(view, 1, 2), "done", "again");
  for (const page of [0, 1]) {
    assert.equal(stage.quietly(stage.thread.write(view.addressOf(page))), -Errno.EFAULT);
  }
  assert.equal(stage.peek(0), 0, "the page itself is still in the memfd");
});

test("poison leaves a private view's own page alone", { skip: skipPoison }, async () => {
  await using stage = await Stage.open();
  const view = stage.view("private");
  stage.serve(stage.thread.store(view.addressOf(0), 9), (fault) => stage.fill(fault, 1));
  assert.equal(stage.uffd.poison(view, 0, 1), "exists");
  assert.equal(stage.quietly(stage.thread.load(view.addressOf(0))), 9);
});

test("a late continue replaces poison", { skip: skipPoison }, async () => {
  await using stage = await Stage.open();
  for (const sharing of ["shared", "private"] as const) {
    const view = stage.view(sharing);
    stage.put(0, 7);
    assert.equal(stage.uffd.poison(view, 0, 1), "done");
    assert.equal(stage.uffd.continuePages(view, 0, 1, sharing === "shared"), "done");
    assert.equal(stage.quietly(stage.thread.load(view.addressOf(0))), 7);
  }
});

test("a system call on a poisoned page fails with EFAULT, without a signal", { skip: skipPoison }, async () => {
  await using stage = await Stage.open();
  const view = stage.view("shared");
  assert.equal(stage.uffd.poison(view, 0, 1), "done");
  assert.equal(stage.quietly(stage.thread.write(view.addressOf(0))), -Errno.EFAULT);
});

function fate(how: string, sharing: string): { output: string; signal: string | null } {
  const { stdout, signal } = spawnSync(process.execPath, [program, how, sharing], {
    encoding: "utf8",
    timeout: 20_000,
  });
  return { output: stdout, signal };
}

function lacksPoison(): string | false {
  const uffd = new Userfaultfd();
  uffd.close();
  return uffd.canPoison ? false : "needs Linux 6.6";
}
