import assert from "node:assert/strict";
import { test } from "node:test";
import { lacksUserfaultfd } from "../support/requires.js";
import { at, pageBytes, Stage } from "./stage.js";

const skip = lacksUserfaultfd();

test("R4: private written pages survive evict and unmap; the other pages follow the file", { skip }, async () => {
  await using stage = await Stage.open();
  const mine = stage.view("private");
  const file = stage.view();
  mine[at(1)] = 50;
  assert.equal(mine[at(2)], 3);
  assert.equal(file[at(1)], 2, "the file does not see it");
  stage.mapping.unmapMappingRange(0, 0);
  assert.equal(mine[at(1)], 50);
  stage.disk.fill(60, at(1), at(3));
  await stage.mapping.evictMappingRange(0, 0);
  assert.equal(mine[at(1)], 50, "its own page");
  assert.equal(mine[at(1) + 1], 2, "all of it");
  assert.equal(mine[at(2)], 60, "a page it only read");
  assert.equal(file[at(1)], 60);
});

test("R4: a private store needs only a read: no wpPage, no dirty page, and it is never written back", {
  skip,
}, async () => {
  await using stage = await Stage.open();
  const mine = stage.view("private");
  mine[at(1)] = 50;
  assert.deepEqual([stage.calls("noPage"), stage.calls("wpPage")], [1, 0]);
  await stage.mapping.writeMappingRange(0, 0);
  assert.equal(stage.calls("writePages"), 0);
});

test("R4: a page that a private view read follows shared stores, before and after unmap", { skip }, async () => {
  await using stage = await Stage.open();
  const mine = stage.view("private");
  const file = stage.view();
  assert.equal(mine[at(1)], 2);
  file[at(1)] = 70;
  assert.equal(mine[at(1)], 70);
  stage.mapping.unmapMappingRange(at(1), 1);
  file[at(1)] = 71;
  assert.equal(mine[at(1)], 71);
  assert.equal(stage.calls("noPage"), 1, "unmap keeps the page cached");
});

test("unmap keeps cached and dirty bytes, with private views present, over many pages", { skip }, async () => {
  await using stage = await Stage.open({ pages: 200 });
  const file = stage.view();
  const mine = stage.view("private");
  for (let page = 0; page < 200; page++) {
    file[at(page) + 1] = 9;
    if (page % 2 === 0) mine[at(page)] = 8;
  }
  const calls = stage.calls("wpPage");
  stage.mapping.unmapMappingRange(0, 0);
  for (let page = 0; page < 200; page++) {
    assert.equal(file[at(page)], page + 1);
    assert.equal(file[at(page) + 1], 9);
    assert.equal(mine[at(page)], page % 2 === 0 ? 8 : page + 1);
    file[at(page) + 2] = 7;
  }
  assert.equal(stage.calls("noPage"), 200);
  assert.equal(stage.calls("wpPage"), calls, "a page's rights outlast its mapping");
  await stage.mapping.writeMappingRange(0, 0);
  assert.deepEqual([...stage.disk.subarray(at(5), at(5) + 3)], [6, 9, 7]);
});

test("R5: truncation kills private written pages; shrink then grow shows zeros everywhere", { skip }, async () => {
  await using stage = await Stage.open();
  const mine = stage.view("private");
  const file = stage.view();
  for (let page = 0; page < 8; page++) {
    mine[at(page)] = 50 + page;
    file[at(page) + 1] = 40 + page;
  }
  stage.disk.fill(0, at(2));
  stage.mapping.truncate(at(2));
  stage.mapping.truncate(at(8));
  for (let page = 0; page < 8; page++) {
    assert.equal(mine[at(page)], page < 2 ? 50 + page : 0);
    assert.equal(file[at(page) + 1], page < 2 ? 40 + page : 0);
  }
});

test("R5: what a private view stored beyond the end is gone when the file grows over it", { skip }, async () => {
  await using stage = await Stage.open({ size: at(2) });
  const view = stage.mapping.map({ length: at(8), sharing: "private" });
  const mine = new Uint8Array(view.buffer);
  mine[at(5)] = 50;
  stage.disk.fill(61, at(5), at(6));
  stage.mapping.truncate(at(8));
  assert.equal(mine[at(5)], 61);
  assert.equal(mine.length, 8 * pageBytes);
});
