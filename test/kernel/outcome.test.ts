import assert from "node:assert/strict";
import { test } from "node:test";
import koffi from "koffi";
import { check } from "../../src/kernel/errno.js";
import { close, ftruncate, syscall } from "../../src/kernel/libc.js";
import { pageBytes } from "../../src/kernel/page-size.js";
import { Feature, type Outcome } from "../../src/kernel/userfaultfd.js";
import { Program } from "../support/program.js";
import { lacksFullUserfaultfd, lacksUserfaultfd } from "../support/requires.js";
import { Stage } from "./stage.js";

const skip = lacksUserfaultfd();

test("done: every page of the range, counted", { skip }, async () => {
  await using stage = await Stage.open();
  const view = stage.view("shared");
  for (let page = 0; page < 4; page++) stage.put(page, page);
  assert.equal(stage.uffd.continuePages(view, 0, 4, true), "done");
  assert.equal(stage.uffd.lastProcessedPages, 4);
  assert.equal(stage.quietly(stage.thread.load(view.addressOf(3))), 3);
});

test("exists: a page that is mapped already, and nobody is woken", { skip }, async () => {
  await using stage = await Stage.open();
  const [view, source] = [stage.view("shared"), stage.view("shared")];
  stage.put(0, 1);
  assert.equal(stage.uffd.continuePages(source, 0, 1, false), "done");
  assert.equal(stage.uffd.continuePages(source, 0, 1, false), "exists");
  assert.equal(stage.uffd.lastProcessedPages, 0);
  assert.equal(stage.uffd.zeroPages(view, 0, 1), "exists", "a page in the memfd, though not mapped here");
  assert.equal(stage.uffd.copyPages(view, 0, 1, source.address, false), "exists");

  const waiting = stage.thread.load(view.addressOf(1));
  stage.nextFault();
  stage.put(1, 2);
  assert.equal(stage.uffd.copyPages(view, 1, 2, source.address, false), "exists");
  assert.equal(waiting.isDone, false, "exists wakes nobody: the caller must");
  stage.uffd.wake(view, 1, 2);
  assert.deepEqual(
    stage.serve(waiting, (fault) => stage.resume(fault)),
    ["page 1: minor"],
  );
});

test("missing: a page that was punched between its fault and the answer", { skip }, async () => {
  await using stage = await Stage.open();
  const view = stage.view("shared");
  stage.put(0, 1);
  const touch = stage.thread.load(view.addressOf(0));
  const fault = stage.nextFault();
  stage.file.punch(0, 1);
  assert.equal(stage.resume(fault), "missing");
  stage.uffd.wake(view, 0, 1);
  assert.deepEqual(
    stage.serve(touch, (again) => stage.fill(again, 2)),
    ["page 0: missing"],
  );
  assert.equal(touch.result, 2);
});

test("missing: copyPages beyond the memfd's end", { skip }, async () => {
  await using stage = await Stage.open();
  const [view, source] = [stage.view("shared"), stage.view("shared")];
  stage.put(0, 1);
  assert.equal(stage.uffd.continuePages(source, 0, 1, false), "done");
  check(ftruncate(stage.file.fd, 4 * pageBytes), "ftruncate");
  assert.equal(stage.uffd.copyPages(view, 4, 5, source.address, false), "missing");
});

test("short: the pages before the obstacle are done, asking again names it", { skip }, async () => {
  await using stage = await Stage.open();
  const view = stage.view("shared");
  for (const page of [0, 1, 2, 4]) stage.put(page, 1);
  assert.equal(stage.uffd.continuePages(view, 2, 3, false), "done");
  assert.equal(stage.uffd.continuePages(view, 0, 5, false), "short");
  assert.equal(stage.uffd.lastProcessedPages, 2);
  assert.equal(stage.uffd.continuePages(view, 2, 5, false), "exists");
  assert.equal(stage.uffd.continuePages(view, 3, 5, false), "missing");
  assert.equal(stage.uffd.continuePages(view, 4, 5, false), "done");
});

test("again: another thread is changing the address space, until its event is read", { skip }, async () => {
  await using stage = await Stage.open({ features: Feature.eventRemove });
  const [view, source] = [stage.view("shared"), stage.view("shared")];
  stage.put(0, 1);
  assert.equal(stage.uffd.continuePages(source, 0, 1, false), "done");
  const change = stage.thread.unmap(view.addressOf(9));
  stage.untilReadable();
  assert.deepEqual(everyVerb(stage), {
    continuePages: "again",
    copyPages: "again",
    zeroPages: "again",
    poison: "again",
    writeProtect: "again",
  });
  stage.until("the change is over", () => {
    stage.uffd.readFaults(() => assert.fail("no fault was raised"));
    return change.isDone;
  });
  assert.equal(stage.uffd.continuePages(view, 0, 1, false), "done");
});

test("unmapped: a region that was replaced, or is not watched any more", { skip }, async () => {
  await using stage = await Stage.open();
  const view = stage.view("shared");
  stage.put(0, 1);
  stage.uffd.unregister(view);
  assert.equal(stage.uffd.continuePages(view, 0, 1, false), "unmapped");
  stage.uffd.register(view);
  view.replaceByZeros();
  assert.deepEqual(everyVerb(stage), {
    continuePages: "unmapped",
    copyPages: "unmapped",
    zeroPages: "unmapped",
    poison: "unmapped",
    writeProtect: "unmapped",
  });
});

test("unmapped: protecting a private view, which is not watched for stores", { skip }, async () => {
  await using stage = await Stage.open();
  assert.equal(stage.uffd.writeProtect(stage.view("private"), 0, 1, true), "unmapped");
});

test("gone: the process whose memory it was has ended", { skip: lacksFullUserfaultfd() }, async () => {
  await using stage = await Stage.open();
  stage.view("shared");
  using owner = new Program(new URL("./uffd-owner.js", import.meta.url));
  const [, descriptor] = await owner.line(/^descriptor (\d+)$/);
  replaceDescriptor(stage.uffd.fd, owner.child.pid ?? 0, Number(descriptor));
  owner.kill();
  await owner.end();
  assert.deepEqual(everyVerb(stage), {
    continuePages: "gone",
    copyPages: "gone",
    zeroPages: "gone",
    poison: "gone",
    writeProtect: "gone",
  });
});

test("any other errno is a SystemError, since no race explains it", { skip }, async () => {
  await using stage = await Stage.open();
  const view = stage.view("shared");
  assert.throws(() => stage.uffd.continuePages(view, 3, 3, false), { name: "SystemError", code: "EINVAL" });
  assert.throws(() => stage.uffd.writeProtect(view, 3, 3, true), { name: "SystemError", code: "EINVAL" });
});

/** What each verb says of page 0 of the stage's first view. */
function everyVerb({ uffd, regions: [view], scratchAddress }: Stage): Record<string, Outcome> {
  return {
    continuePages: uffd.continuePages(view, 0, 1, false),
    copyPages: uffd.copyPages(view, 0, 1, scratchAddress, false),
    zeroPages: uffd.zeroPages(view, 0, 1),
    poison: uffd.poison(view, 0, 1),
    writeProtect: uffd.writeProtect(view, 0, 1, true),
  };
}

/** Makes `fd` mean what `theirs` means in another process. */
function replaceDescriptor(fd: number, processId: number, theirs: number): void {
  const [pidfdOpen, pidfdGetfd] = [434, 438]; // the same numbers on every architecture
  const dup2 = koffi.load("libc.so.6").func("int dup2(int from, int to)");
  const processFd = check(syscall(pidfdOpen, processId, 0, 0, 0, 0, 0), "pidfd_open");
  const copy = check(syscall(pidfdGetfd, processFd, theirs, 0, 0, 0, 0), "pidfd_getfd");
  check(dup2(copy, fd), "dup2");
  close(copy);
  close(processFd);
}
