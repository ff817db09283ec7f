import assert from "node:assert/strict";
import { constants } from "node:buffer";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { attach, Mapping } from "../../src/mapping/index.js";
import { pageRange } from "../../src/mapping/page-range.js";
import { lacksUserfaultfd } from "../support/requires.js";
import { ProgramThread } from "./program-thread.js";
import { at, pageBytes, Stage } from "./stage.js";

const skip = lacksUserfaultfd();

test("a touch calls noPage once a page, and a shared store is seen by every view", { skip }, async () => {
  await using stage = await Stage.open();
  const one = stage.view();
  const two = stage.view("shared", 2, 3);
  assert.equal(one[at(2)], 3);
  assert.equal(two[at(0)], 3);
  assert.equal(stage.calls("noPage"), 1);
  one[at(2) + 7] = 99;
  assert.equal(two[7], 99);
  assert.equal(stage.calls("wpPage"), 1);
  two[8] = 98;
  assert.equal(one[at(2) + 8], 98);
  assert.equal(stage.calls("wpPage"), 1, "one wpPage for a page, whichever view stores");
});

test("R12: a first touch that is a store tells the hook so, and fill for writing makes wpPage needless", {
  skip,
}, async () => {
  await using stage = await Stage.open({ access: "write" });
  const view = stage.view();
  view[at(1)] = 5;
  assert.equal(view[at(1) + 1], 2);
  assert.deepEqual([stage.calls("noPage"), stage.calls("wpPage")], [1, 0]);
});

test("many views at many offsets show the same pages", { skip }, async () => {
  await using stage = await Stage.open({ pages: 64 });
  const views = Array.from({ length: 200 }, (_, index) =>
    stage.view(index % 3 === 0 ? "private" : "shared", index % 64, 1),
  );
  for (const [index, view] of views.entries()) assert.equal(view[123], (index % 64) + 1);
  assert.equal(stage.calls("noPage"), 64);
  for (const [index, view] of views.entries()) if (index % 3 !== 0) view[0] = 200;
  for (const [index, view] of views.entries()) if (index % 3 !== 0) assert.equal(view[0], 200);
  assert.equal(stage.calls("wpPage"), 64);
});

test("R8: ranges round their begin down and their end up, exactly up to 2^53; length 0 is to the end", () => {
  assert.deepEqual(pageRange(4095, 2, 1e6), { start: 0, end: 2 });
  assert.deepEqual(pageRange(4096, 4096, 1e6), { start: 1, end: 2 });
  assert.deepEqual(pageRange(5000, 0, 10_000), { start: 1, end: 3 });
  assert.deepEqual(pageRange(20_000, 0, 10_000), { start: 4, end: 5 });
  const last = Number.MAX_SAFE_INTEGER;
  assert.deepEqual(pageRange(last - 1, 1, last), { start: 2 ** 41 - 1, end: 2 ** 41 });
  assert.deepEqual(pageRange(2 ** 32 + 1, 2 ** 33, last), { start: 2 ** 20, end: 2 ** 20 + 2 ** 21 + 1 });
  for (const bad of [-1, 0.5, 2 ** 53, Number.NaN]) assert.throws(() => pageRange(bad, 1, 1), RangeError);
  assert.throws(() => pageRange(last, last, last), RangeError);
});

test("R8: the trio takes every page that a range touches", { skip }, async () => {
  await using stage = await Stage.open();
  const view = stage.view();
  touchAll(view);
  await stage.mapping.evictMappingRange(4095, 2);
  touchAll(view);
  assert.equal(stage.calls("noPage"), 10);
  await stage.mapping.evictMappingRange(at(6) + 1, 0);
  touchAll(view);
  assert.equal(stage.calls("noPage"), 12);
});

test("R8: a file of 2^53 - 1 bytes is mapped at both its ends", { skip }, async () => {
  await using stage = await Stage.open({ size: Number.MAX_SAFE_INTEGER });
  const end = stage.mapping.map({ offset: 2 ** 53 - 2 * pageBytes, length: 2 * pageBytes - 1 });
  const bytes = new Uint8Array(end.buffer);
  bytes[pageBytes] = 7;
  assert.equal(bytes[pageBytes], 7);
  assert.equal(stage.view("shared", 0, 1)[0], 1);
  assert.equal(stage.calls("noPage"), 2);
});

test("bad views are refused with the right usage, before anything is mapped", { skip }, async () => {
  await using stage = await Stage.open();
  const { mapping } = stage;
  assert.throws(() => mapping.map({ offset: 4097 }), {
    name: "RangeError",
    message: /multiple of 4096: map from 4096/,
  });
  assert.throws(() => mapping.map({ offset: -4096 }), RangeError);
  assert.throws(() => mapping.map({ length: 0.5 }), RangeError);
  assert.throws(() => mapping.map({ offset: at(8) }), { name: "RangeError", message: /at least 1/ });
  assert.throws(() => mapping.map({ offset: "0" as never }), TypeError);
  assert.throws(() => mapping.map({ sharing: "both" as never }), TypeError);
  assert.throws(() => mapping.truncate(2 ** 53), RangeError);
  assert.throws(() => mapping.unmapMappingRange(-1, 0), RangeError);
  await assert.rejects(mapping.writeMappingRange(0.5, 0), RangeError);
  const tooLong = constants.MAX_LENGTH + 1;
  if (Number.isSafeInteger(tooLong)) {
    assert.throws(() => mapping.map({ length: tooLong }), { name: "RangeError", message: /MAX_LENGTH/ });
  }
  const hooks = new URL("./stage.js", import.meta.url);
  await assert.rejects(Mapping.create({ size: 1, hooks }), { name: "TypeError", message: /no function noPage/ });
  await assert.rejects(Mapping.create({ size: 1, hooks: new URL("./none.js", import.meta.url) }), /none\.js/);
  await assert.rejects(Mapping.create({ size: -1, hooks }), RangeError);
});

test("a view may have any length", { skip }, async () => {
  await using stage = await Stage.open();
  const view = stage.mapping.map({ offset: at(1), length: 5000 });
  assert.equal(view.buffer.byteLength, 5000);
  assert.equal(new Uint8Array(view.buffer)[4999], 3);
});

test("R19: a closed view reads zeros, takes stores that nobody sees, and leaves the file alone", { skip }, async () => {
  await using stage = await Stage.open();
  using view = stage.mapping.map();
  const bytes = new Uint8Array(view.buffer);
  bytes[0] = 77;
  view.close();
  assert.equal(bytes[0], 0);
  bytes[0] = 1;
  bytes[at(5)] = 1;
  assert.equal(stage.view()[0], 77);
  assert.equal(stage.calls("noPage"), 1);
  assert.throws(() => view.buffer, { code: "DMMAP_CLOSED" });
  assert.throws(() => view.share(), { code: "DMMAP_CLOSED" });
});

test("R19: closing the mapping closes its views, and wakes a thread that waits in one", { skip }, async () => {
  await using stage = await Stage.open({ keep: true });
  const view = stage.mapping.map();
  using thread = await ProgramThread.start(view.share());
  const touch = thread.load(at(3));
  await stage.reported(1);
  await stage.close();
  assert.equal(await touch, 0);
  assert.throws(() => stage.mapping.map(), { code: "DMMAP_CLOSED" });
});

test("a view is shared with other threads of the process, without a copy", { skip }, async () => {
  await using stage = await Stage.open();
  const view = stage.mapping.map();
  const handle = view.share();
  using thread = await ProgramThread.start(handle);
  await thread.store(at(4), 44);
  assert.equal(new Uint8Array(view.buffer)[at(4)], 44);
  using second = attach(handle);
  assert.equal(new Uint8Array(second.buffer)[at(4)], 44);
  view.close();
  assert.equal(await thread.load(at(4)), 0, "closed everywhere");
});

test("R17: no other process inherits the memfd or sees the pages, only this one's mappings reach it", {
  skip,
}, async () => {
  await using stage = await Stage.open();
  const file = stage.view();
  assert.equal(file[0], 1);
  assert.match(readFileSync("/proc/self/maps", "utf8"), /memfd:mapping/);
  const ofChild = execFileSync("sh", ["-c", "ls -l /proc/$$/fd; cat /proc/$$/maps"], { encoding: "utf8" });
  assert.doesNotMatch(ofChild, /memfd:mapping|userfaultfd/);
});

function touchAll(view: Uint8Array): void {
  for (let page = 0; page < 8; page++) assert.equal(view[at(page)], page + 1);
}
