import assert from "node:assert/strict";
import { test } from "node:test";
import { DmmapError } from "../../src/core/error.js";
import { mayBeUnstable, Recovery, type RememberedSessions } from "../../src/core/home/recovery.js";

const lease = 1000;

/** A home's recovery, what it has on record, and what it did. */
function recoveryOf(remembered: RememberedSessions, back: readonly string[] = []) {
  const done: string[] = [];
  let record: RememberedSessions = remembered;
  let writes = 0;
  let unsettled = false;
  const disk: { error: DmmapError | undefined } = { error: undefined };
  const recovery = new Recovery(
    {
      remember: ({ sessions, isUnsettled }) => {
        writes++;
        if (disk.error !== undefined) return disk.error;
        record = sessions;
        unsettled = isUnsettled;
        return undefined;
      },
      isBack: (session) => back.includes(session),
      onLost: ({ name, files }) => done.push(`lost ${name}: ${files.join(" ")}`),
      onEnd: () => done.push("end"),
    },
    remembered,
    lease,
    0,
  );
  const recorded = () => Object.keys(record).toSorted();
  const mayBeUnstableNext = () => mayBeUnstable({ sessions: record, isUnsettled: unsettled });
  return { recovery, disk, done, recorded, record: () => record, writes: () => writes, mayBeUnstableNext };
}

const two: RememberedSessions = { a: { name: "A", files: ["x", "y"] }, b: { name: "B", files: ["x"] } };

test("a home that nobody was connected to waits for nobody", () => {
  const { recovery, done } = recoveryOf({});
  assert.equal(recovery.isOpen, false);
  assert.equal(recovery.deadline, Number.POSITIVE_INFINITY);
  assert.deepEqual(done, []);
});

test("recovery is over when the last of those who were there has claimed all, and not before", () => {
  const { recovery, done } = recoveryOf(two);
  assert.ok(recovery.isOpen && recovery.expects("a") && recovery.expects("b") && !recovery.expects("c"));
  assert.equal(recovery.expectedCount, 2);
  recovery.recovered("a");
  assert.ok(recovery.isOpen && !recovery.expects("a"));
  recovery.recovered("b");
  assert.ok(!recovery.isOpen);
  assert.deepEqual(done, ["end"]);
});

test("R15: who has not come back is waited for longer than a lease, by a clock that may run faster than theirs", () => {
  const { recovery, done, recorded } = recoveryOf(two, ["b"]);
  recovery.remember("b", "B", "x");
  recovery.onTime(lease * 1.05);
  assert.deepEqual(done, []);
  assert.ok(recovery.deadline > lease && recovery.deadline < lease * 2);
  recovery.onTime(recovery.deadline);
  assert.deepEqual(done, ["lost A: x y"], "R15: who is back is waited for as long as its lease runs");
  assert.deepEqual(recorded(), ["b"], "a second restart waits no more for who was lost in the first");
  recovery.recovered("b");
  assert.deepEqual(done, ["lost A: x y", "end"]);
});

test("nobody is lost once recovery is over", () => {
  const { recovery, done } = recoveryOf({ a: { name: "A", files: [] } });
  recovery.recovered("a");
  recovery.onTime(lease * 10);
  assert.deepEqual(done, ["end"]);
});

test("what came in the meantime is served in order, after the end", () => {
  const { recovery, done } = recoveryOf({ a: { name: "A", files: [] } });
  recovery.park(() => done.push("first"));
  recovery.park(() => done.push("second"));
  recovery.recovered("a");
  assert.deepEqual(done, ["end", "first", "second"]);
});

test("a session that ends during a recovery is waited for no more, nor by the next home", () => {
  const { recovery, done, recorded } = recoveryOf(two);
  recovery.forget("a");
  assert.deepEqual(recorded(), ["b"]);
  recovery.forget("b");
  assert.deepEqual(recorded(), []);
  assert.deepEqual(done, ["end"]);
});

test("a session is on record from its first open file, or its first lease on a name, to its end", () => {
  const { recovery, record, recorded, writes } = recoveryOf({});
  recovery.remember("a", "A", "x");
  recovery.remember("a", "A", "y");
  assert.deepEqual(record(), { a: { name: "A", files: ["x", "y"] } });
  recovery.rememberSession("b", "B");
  assert.deepEqual(record().b, { name: "B", files: [] });
  recovery.remember("b", "B", "z");
  assert.deepEqual(record().b, { name: "B", files: ["z"] });
  assert.equal(writes(), 4);
  recovery.remember("a", "A", "x");
  recovery.rememberSession("a", "A");
  assert.equal(writes(), 4, "what is on record already costs nothing");
  recovery.forget("a");
  assert.deepEqual(recorded(), ["b"]);
  recovery.forget("a");
  recovery.forget("who was never there");
  assert.equal(writes(), 5);
});

test("the record of one session is bounded", () => {
  const { recovery, record } = recoveryOf({});
  for (let file = 0; file < 1000; file++) recovery.remember("a", "A", `file ${file}`);
  assert.equal(record().a.files.length, 100);
});

test("a home that restarts again in its recovery waits for all that the first one waited for", () => {
  const { recovery, recorded } = recoveryOf(two);
  recovery.remember("c", "C", "x");
  assert.deepEqual(recorded(), ["a", "b", "c"]);
  recovery.remember("a", "A", "x");
  recovery.recovered("a");
  assert.deepEqual(recorded(), ["a", "b", "c"]);
});

test("a node that came back without a file and is fenced is not believed by the next home", () => {
  const { recovery, recorded } = recoveryOf(two, ["a", "b"]);
  recovery.recovered("a");
  assert.deepEqual(recorded(), ["b"]);
  recovery.forget("a");
  assert.deepEqual(recorded(), ["b"]);
});

test("R20: until what nobody answers for any more is stable, the next home has to see to it", () => {
  const { recovery, mayBeUnstableNext, writes } = recoveryOf({});
  recovery.beginSettling()();
  assert.equal(writes(), 0, "what was stable costs nothing");
  recovery.remember("a", "A", "x");
  assert.ok(mayBeUnstableNext());
  const settled = [recovery.beginSettling(), recovery.beginSettling()] as const;
  recovery.forget("a");
  assert.ok(mayBeUnstableNext(), "nobody is on record, and the sync is not through");
  settled[0]();
  assert.ok(mayBeUnstableNext(), "one of two is through");
  settled[1]();
  assert.ok(!mayBeUnstableNext());
});

const full = new DmmapError("DMMAP_NO_SPACE", "the disk is full");

test("who cannot be put on record is not let in, until it is", () => {
  const { recovery, disk, record, writes } = recoveryOf({});
  assert.equal(recovery.remember("a", "A", "x"), undefined);
  disk.error = full;
  assert.equal(recovery.remember("b", "B", "x"), full);
  assert.equal(recovery.remember("a", "A", "y"), full);
  assert.equal(recovery.remember("b", "B", "x"), full, "that it was asked for does not put it on record");
  assert.equal(recovery.remember("a", "A", "x"), undefined, "what is on record already is no news");
  assert.equal(writes(), 4);
  assert.equal(recovery.rememberSession("b", "B"), full);
  assert.equal(recovery.rememberSession("c", "C"), full);
  assert.equal(recovery.rememberSession("c", "C"), full);
  assert.equal(writes(), 5, "what is asked for all the time is tried once");
  assert.ok(recovery.isBehind);
  disk.error = undefined;
  recovery.onTime(1);
  assert.ok(!recovery.isBehind);
  assert.deepEqual(record(), {
    a: { name: "A", files: ["x", "y"] },
    b: { name: "B", files: ["x"] },
    c: { name: "C", files: [] },
  });
  for (const session of ["b", "c"]) assert.equal(recovery.rememberSession(session, session), undefined);
  assert.equal(writes(), 6);
});

test("who has come back is let in to what it had open before, on a disk that is full, too", () => {
  const { recovery, disk } = recoveryOf(two);
  disk.error = full;
  assert.equal(recovery.remember("a", "A", "x"), undefined);
  assert.equal(recovery.rememberSession("b", "B"), undefined);
  assert.equal(recovery.remember("b", "B", "new"), full);
});

test("R15: a session that cannot be taken off the record is not to be fenced yet", () => {
  const { recovery, disk, recorded } = recoveryOf({});
  recovery.remember("a", "A", "x");
  disk.error = full;
  assert.equal(recovery.forget("a"), false);
  assert.equal(recovery.forget("a"), false);
  recovery.onTime(1);
  assert.deepEqual(recorded(), ["a"]);
  disk.error = undefined;
  recovery.onTime(2);
  assert.deepEqual(recorded(), []);
  assert.equal(recovery.forget("a"), true);
});

test("a node that is taken off a record that is refused has to be put on it anew", () => {
  const { recovery, disk } = recoveryOf(two, ["a", "b"]);
  disk.error = full;
  recovery.recovered("a"); // The disk may have taken that.
  assert.equal(recovery.rememberSession("a", "A"), full);
});

test("R15: a recovery does not end before it is on record who is not waited for any more", () => {
  const { recovery, disk, done, recorded } = recoveryOf(two, ["b"]);
  disk.error = full;
  recovery.onTime(recovery.deadline);
  recovery.recovered("b");
  assert.deepEqual([done, recovery.isOpen], [["lost A: x y"], true]);
  recovery.onTime(recovery.deadline);
  assert.deepEqual([done.length, recorded()], [1, ["a", "b"]]);
  disk.error = undefined;
  recovery.onTime(recovery.deadline);
  assert.deepEqual([done, recorded()], [["lost A: x y", "end"], []]);
});

test("R20: that nothing has to be settled any more is put on record later, if not now", () => {
  const { recovery, disk, mayBeUnstableNext } = recoveryOf({});
  recovery.remember("a", "A", "x");
  const settled = recovery.beginSettling();
  recovery.forget("a");
  disk.error = full;
  settled();
  assert.ok(mayBeUnstableNext());
  disk.error = undefined;
  recovery.onTime(1);
  assert.ok(!mayBeUnstableNext());
});
