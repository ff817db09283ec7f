import assert from "node:assert/strict";
import { test } from "node:test";
import { InodePlaces } from "../../src/store/inode-places.js";

test("a path is the way up by the latest names", () => {
  const places = new InodePlaces(1);
  places.note(2, 1, "a");
  places.note(3, 2, "b");
  assert.equal(places.pathOf(3), "a/b");
  places.note(2, 1, "renamed");
  assert.equal(places.pathOf(3), "renamed/b");
  places.forget(2, 1, "renamed");
  assert.equal(places.pathOf(3), "a/b", "the name before it is tried next");
  places.forget(2, 1, "a");
  assert.equal(places.pathOf(3), undefined);
  assert.equal(places.pathOf(1), "");
});

test("a circle of names long outdated is no way up", () => {
  const places = new InodePlaces(1);
  places.note(2, 3, "a");
  places.note(3, 2, "b");
  assert.equal(places.pathOf(2), undefined);
});

test("places are bounded, for each file and in all; the latest stay", () => {
  const places = new InodePlaces(1, 100);
  for (let link = 0; link < 1000; link++) places.note(2, 1, `link-${link}`);
  let known = 0;
  for (let place = places.latest(2); place !== undefined; place = places.latest(2)) {
    places.forget(2, place.parent, place.name);
    assert.equal(place.name, `link-${999 - known++}`);
  }
  assert.ok(known > 1 && known < 20, `${known} of 1000 names`);
  for (let inode = 2; inode < 1002; inode++) places.note(inode, 1, `${inode}`);
  const left = Array.from({ length: 1000 }, (_, index) => places.pathOf(index + 2)).filter(
    (path) => path !== undefined,
  );
  assert.ok(left.length >= 75 && left.length <= 100, `${left.length} of 1000 inodes`);
  assert.equal(places.pathOf(1001), "1001");
});
