import assert from "node:assert/strict";
import { test } from "node:test";
import { Duties, type StableDuties } from "../../src/core/home/duties.js";

/** A sync that succeeds. @returns what has to be put on record for it. */
function synced(duties: Duties, session: string): StableDuties | undefined {
  const { record, end } = duties.beginSync(session);
  end();
  return record;
}

test("R20: a page is unstable from its write to the end of a sync that began after it", () => {
  const duties = new Duties();
  assert.equal(duties.isUnstable(0, 100), false);
  duties.onWrite("a", 1, 3, 5);
  const sync = duties.beginSync("a");
  duties.onWrite("a", 2, 4, 6);
  assert.ok(duties.isUnstable(3, 4));
  sync.end();
  assert.deepEqual(
    [3, 4, 5, 6].map((page) => duties.isUnstable(page, page + 1)),
    [false, true, true, false],
  );
  synced(duties, "b");
  assert.equal(duties.isUnstable(0, 100), false);
});

test("R20: where there are too many runs of unstable pages, all of the file is", () => {
  const duties = new Duties();
  for (let page = 0; page < 10_000; page += 2) duties.onWrite("a", page + 1, page, page + 1);
  assert.ok(duties.isUnstable(9_998, 9_999));
  assert.ok(duties.isUnstable(20_000, 20_001));
  synced(duties, "a");
  assert.equal(duties.isUnstable(0, 100_000), false);
});

test("R20: a node that is back within its lease sends again what has not been taken, and no more", () => {
  const duties = new Duties();
  duties.onWrite("a", 1, 0, 1);
  duties.onWrite("a", 2, 0, 1);
  assert.equal(duties.mayResend("a", 2), false);
  assert.equal(duties.mayResend("a", 3), true);
  assert.equal(duties.mayResend("b", 1), true, "each session has numbers of its own");
  duties.onRestored(5, 9);
  duties.onRestored(6, 9);
  assert.equal(duties.mayResend("a", 3), true, "its connection may break before all have come");
  duties.heard("a", 4);
  assert.equal(duties.mayResend("a", 4), false);
  assert.equal(duties.mayResend("a", 5), true);
  duties.onWrite("a", 2, 0, 1);
  assert.equal(duties.mayResend("a", 4), false, "numbers only rise");
});

test("R20: what is on record as stable is not restored over what came later", () => {
  const duties = new Duties({ a: 5 }, true);
  assert.equal(duties.mayRestore("a", 0, 100, 5), false);
  assert.equal(duties.mayRestore("a", 0, 100, 6), true);
  assert.equal(duties.mayRestore("b", 0, 100, 1), true);
});

test("R20: of two versions of a page that come, the one of the newer epoch stays, in whichever order they come", () => {
  for (const versions of [
    [3, 7],
    [7, 3],
  ]) {
    const duties = new Duties({}, true);
    const taken = versions.filter((version) => {
      const isWanted = duties.mayRestore("a", 0, version, 1);
      if (isWanted) duties.onRestored(0, version);
      return isWanted;
    });
    assert.equal(taken.at(-1), 7);
    assert.ok(duties.mayRestore("b", 0, 7, 1), "of the same epoch they are the same");
    assert.ok(duties.mayRestore("b", 1, 1, 1), "of each page by itself");
  }
});

test("R20: what a survivor has written since the restart is newer than all that others bring of it", () => {
  const duties = new Duties({}, true);
  duties.onWrite("a", 4, 0, 2);
  assert.equal(duties.mayRestore("b", 1, 1000, 9), false);
  assert.equal(duties.mayRestore("a", 1, 1000, 3), false);
  assert.equal(duties.mayRestore("a", 1, 1000, 5), true, "but for its own later write, lost with a connection");
  assert.equal(duties.mayRestore("b", 2, 1000, 9), true);
  duties.endRecovery();
  assert.equal(duties.mayRestore("b", 1, 1, 9), true);
});

test("R20: a restored page is on nobody's stable storage yet", () => {
  const duties = new Duties({}, true);
  duties.onRestored(3, 7);
  assert.ok(duties.isUnstable(3, 4));
  duties.endRecovery();
  duties.onRestored(4, 7);
  assert.ok(duties.isUnstable(4, 5));
});

test("R20: a sync puts on record what others answer for, before they can hear of it", () => {
  const duties = new Duties();
  duties.onWrite("a", 1, 0, 1);
  assert.equal(synced(duties, "a"), undefined, "nobody else has copies");
  duties.onWrite("b", 4, 1, 2);
  assert.deepEqual(synced(duties, "a"), { a: 1, b: 4 });
  assert.equal(synced(duties, "a"), undefined, "nothing new since the record");
  duties.onWrite("b", 5, 1, 2);
  duties.forget("a");
  assert.equal(synced(duties, "b"), undefined);
  duties.onWrite("c", 1, 1, 2);
  assert.deepEqual(synced(duties, "c"), { b: 5, c: 1 }, "who has closed the file keeps no copies");
});

test("R20: a sync that fails puts nothing on record", () => {
  const duties = new Duties();
  duties.onWrite("b", 4, 1, 2);
  duties.beginSync("a");
  assert.deepEqual(synced(duties, "a"), { b: 4 });
});

test("R20: a record holds on to what an earlier life of the home had on record", () => {
  const duties = new Duties({ a: 7, gone: 3 }, true);
  duties.forget("gone");
  duties.onWrite("b", 1, 0, 1);
  assert.deepEqual(synced(duties, "c"), { a: 7, b: 1 });
});

test("R20: an older version that came counts as heard of, so that the next record refuses it for good", () => {
  const duties = new Duties({}, true);
  duties.onRestored(0, 9);
  assert.equal(duties.mayRestore("a", 0, 3, 5), false);
  duties.heard("a", 5);
  duties.heard("b", 1);
  duties.endRecovery();
  assert.deepEqual(synced(duties, "b"), { a: 5, b: 1 });
});

test("R20: what a node has seen is on record before what comes after it is stable", () => {
  const duties = new Duties();
  duties.onWrite("a", 1, 0, 1);
  // b has seen the page, and gives it up, for a to store to it again.
  duties.heard("b", 1);
  duties.onWrite("a", 2, 0, 1);
  assert.deepEqual(synced(duties, "a"), { a: 2, b: 1 });
  assert.equal(new Duties({ a: 2, b: 1 }, true).mayRestore("b", 0, 100, 1), false);
});

test("R20: a sync of the home's own accord puts on record what anybody answers for", () => {
  const duties = new Duties();
  duties.onWrite("a", 1, 0, 1);
  const { record, end } = duties.beginSync();
  assert.deepEqual(record, { a: 1 });
  end();
  assert.equal(duties.isUnstable(0, 1), false);
});
