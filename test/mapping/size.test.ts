import assert from "node:assert/strict";
import { closeSync, openSync, writeSync } from "node:fs";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { Program } from "../support/program.js";
import { lacksFullUserfaultfd, lacksKernel, lacksUserfaultfd } from "../support/requires.js";
import { temporaryFolder } from "../support/temporary-folder.js";
import { ProgramThread } from "./program-thread.js";
import { at, pageBytes, Stage } from "./stage.js";

const skip = lacksUserfaultfd();

test("R7: the last page's tail is zero after a shrink, though the program stored there, and after a grow", {
  skip,
}, async () => {
  await using stage = await Stage.open();
  const file = stage.view();
  const half = at(3) + 100;
  file.fill(9, at(3), at(4));
  stage.mapping.truncate(half);
  assert.equal(file[half - 1], 9);
  assert.deepEqual(new Set(file.subarray(half, at(4))), new Set([0]));
  file.fill(8, half, at(4));
  stage.mapping.truncate(at(3) + 200);
  assert.deepEqual(new Set(file.subarray(half, at(4))), new Set([0]));
  assert.equal(stage.mapping.size, at(3) + 200);
});

test("R7: write-back takes only the file's bytes of the last page", { skip }, async () => {
  await using stage = await Stage.open({ size: at(1) + 10 });
  const file = new Uint8Array(stage.mapping.map({ length: at(2) }).buffer);
  file.fill(9, at(1), at(2));
  await stage.mapping.writeMappingRange(0, 0);
  assert.deepEqual([...stage.disk.subarray(at(1) + 8, at(1) + 12)], [9, 9, 2, 2]);
});

test("R7: a page that is filled later shows zeros behind the end, whatever its hook gave", { skip }, async () => {
  await using stage = await Stage.open({ size: at(1) + 10 });
  const file = new Uint8Array(stage.mapping.map({ length: at(2) }).buffer);
  assert.deepEqual([...file.subarray(at(1) + 8, at(1) + 12)], [2, 2, 0, 0]);
});

test("R6, R18: beyond the end reads zeros without a hook, stores never become content", { skip }, async () => {
  await using stage = await Stage.open({ size: at(2) });
  const file = new Uint8Array(stage.mapping.map({ length: at(8) }).buffer);
  assert.equal(file[at(5)], 0);
  file[at(6)] = 66;
  assert.equal(stage.calls("noPage"), 0);
  await stage.mapping.writeMappingRange(0, at(8));
  assert.equal(stage.calls("writePages"), 0);
  stage.mapping.truncate(at(8));
  assert.equal(file[at(6)], 7, "content now, from the hook");
  assert.equal(file[at(5)], 6);
});

test("R6: a live view is shrunk and grown under a storing thread, and the thread never dies", { skip }, async () => {
  await using stage = await Stage.open({ access: "write" });
  using thread = await ProgramThread.start(stage.mapping.map().share());
  let resizes = 0;
  const counted = thread.repeat({ do: "count", index: at(7), value: 10_000 }, () => resizes < 400);
  for (; resizes < 400; resizes++) {
    stage.mapping.truncate(at(1 + (resizes % 8)));
    await setImmediate();
  }
  assert.ok((await counted) > 0);
});

test("R5: a fault that waited through shrink and grow is asked again, and its old answer dropped", {
  skip,
}, async () => {
  await using stage = await Stage.open({ keep: true });
  using thread = await ProgramThread.start(stage.mapping.map().share());
  const touch = thread.load(at(5));
  await stage.reported(1);
  stage.mapping.truncate(at(2));
  assert.equal(await touch, 0, "beyond the end");
  stage.mapping.truncate(at(8));
  stage.disk.fill(0, at(2));
  stage.order("answer"); // The first fault's: too late.
  const again = thread.load(at(5));
  await stage.reported(2);
  stage.order("answer");
  assert.equal(await again, 0);
  assert.equal(stage.calls("noPage"), 2);
});

test("R18: a touch beyond the end kills only who chose onBeyondEnd: sigbus", {
  skip: skip || lacksKernel(6, 6),
}, async () => {
  using program = new Program(new URL("./beyond-end-program.js", import.meta.url));
  const { signal } = await program.end();
  assert.deepEqual(program.lines, ["zeros: 0", "inside: 1", "grown: 1", "shrunk, touching"]);
  assert.equal(signal, "SIGBUS");
});

test("R18: a sigbus view shows the pages that the file grows over, though they had been refused before", {
  skip: lacksFullUserfaultfd() || lacksKernel(6, 6),
}, async () => {
  await using stage = await Stage.open({ size: at(2) });
  using folder = temporaryFolder();
  const view = stage.mapping.map({ length: at(4), onBeyondEnd: "sigbus" });
  const page = new Uint8Array(view.buffer, at(3), pageBytes);
  const file = openSync(folder.at("copy"), "w+");
  // A system call that meets the refused page fails; only a touch raises SIGBUS.
  assert.throws(() => writeSync(file, page), { code: "EFAULT" });
  assert.throws(() => writeSync(file, page), { code: "EFAULT" });
  stage.mapping.truncate(at(4));
  assert.equal(writeSync(file, page), pageBytes);
  assert.equal(page[0], 4);
  closeSync(file);
});

test("R7: an answer from before the file was cut and grown again is dropped in the page that was cut", {
  skip,
}, async () => {
  await using stage = await Stage.open({ pages: 3, keep: true, readAhead: 3 });
  const handle = stage.mapping.map().share();
  using first = await ProgramThread.start(handle);
  using second = await ProgramThread.start(handle);
  const kept = first.load(at(0));
  await stage.reported(1);
  const cut = second.load(at(1) + 200);
  await stage.reported(2);
  stage.disk.fill(0, at(1) + 100); // First: it is read again as soon as the mapping has been cut.
  stage.mapping.truncate(at(1) + 100);
  stage.mapping.truncate(at(3));
  await stage.reported(3);
  assert.equal(stage.reports[2].offset, at(1), "asked again, as its first answer would be old");
  stage.order("answer");
  assert.deepEqual([await kept, await cut], [1, 0]);
  const bytes = stage.view();
  assert.deepEqual([bytes[at(1) + 99], bytes[at(1) + 100], bytes[at(2)]], [2, 0, 0]);
});

test("an empty file can be grown and mapped", { skip }, async () => {
  await using stage = await Stage.open({ size: 0 });
  assert.throws(() => stage.mapping.map(), RangeError);
  const view = new Uint8Array(stage.mapping.map({ length: pageBytes }).buffer);
  assert.equal(view[0], 0);
  stage.mapping.truncate(1);
  assert.deepEqual([view[0], view[1]], [1, 0]);
});
