import assert from "node:assert/strict";
import { test } from "node:test";
import { type LockOwner, type LockWait, LockWaits } from "../../src/core/home/lock-waits.js";
import { type RangeLock, type RangeLockHow, RangeLocks, type RangeLockType } from "../../src/core/home/range-locks.js";

const atOnce: RangeLockHow = { wait: false, inLine: false, deadlocks: true };
const waiting: RangeLockHow = { ...atOnce, wait: true };

/** `who` is a node and an owner's name: "1 a". */
function ownerOf(who: string): LockOwner {
  const [node, owner] = who.split(" ");
  return { node: Number(node), owner };
}

function lockOf(who: string, type: RangeLockType, start: number, end: number): RangeLock {
  return { ...ownerOf(who), pid: 7, type, start, end };
}

function table(waits = new LockWaits()) {
  const locked: string[] = [];
  const locks = new RangeLocks(waits, (node, request) => locked.push(`${node}/${request}`));
  const held = () => locks.held.map(({ node, owner, type, start, end }) => `${node} ${owner} ${type} ${start}..${end}`);
  return { locks, locked, held: () => held().toSorted() };
}

test("R16: owners are told apart by their node and by their name", () => {
  const { locks } = table();
  locks.lock(lockOf("1 a", "exclusive", 0, 10), 1, atOnce);
  assert.equal(locks.lock(lockOf("1 b", "shared", 0, 10), 2, atOnce), "refused");
  assert.equal(locks.lock(lockOf("2 a", "shared", 0, 10), 2, atOnce), "refused");
  assert.equal(locks.lock(lockOf("1 a", "shared", 0, 10), 2, atOnce), "granted");
});

test("a process that ends frees its own locks and nobody else's", () => {
  const { locks, held } = table();
  for (const [index, who] of ["1 a", "1 b", "2 a"].entries()) {
    locks.lock(lockOf(who, "exclusive", index * 10, index * 10 + 5), 1, atOnce);
  }
  locks.releaseOwner(ownerOf("1 a"));
  assert.deepEqual(held(), ["1 b exclusive 10..15", "2 a exclusive 20..25"]);
});

test("a lock that is made weaker lets others in", () => {
  const { locks, locked } = table();
  locks.lock(lockOf("1 a", "exclusive", 0, 10), 1, atOnce);
  locks.lock(lockOf("2 b", "shared", 0, 10), 9, waiting);
  locks.lock(lockOf("1 a", "shared", 0, 10), 2, atOnce);
  assert.deepEqual(locked, ["2/9"]);
});

test("who has waited and by that makes its own lock weaker lets in who stands before it", () => {
  const { locks, locked } = table();
  locks.lock(lockOf("1 y", "exclusive", 0, 10), 1, atOnce);
  locks.lock(lockOf("2 z", "exclusive", 10, 20), 1, atOnce);
  locks.lock(lockOf("3 x", "shared", 0, 5), 7, waiting);
  locks.lock(lockOf("1 y", "shared", 0, 20), 8, { ...waiting, deadlocks: false });
  locks.unlock(lockOf("2 z", "exclusive", 10, 20));
  assert.deepEqual(locked, ["1/8", "3/7"]);
});

test("what a node that is back does not claim is free, and goes to who waits for it", () => {
  const { locks, locked } = table();
  locks.lock(lockOf("1 a", "exclusive", 0, 10), 1, atOnce);
  locks.lock(lockOf("2 b", "shared", 0, 10), 9, waiting);
  assert.deepEqual(locks.claim(1, []), []);
  assert.deepEqual(locked, ["2/9"]);
});

test("whether an owner has a lock is asked of that owner, in that range, of that kind", () => {
  const { locks } = table();
  locks.lock(lockOf("1 a", "exclusive", 0, 10), 1, atOnce);
  const asked = (who: string, start: number, end: number) => ({ ...ownerOf(who), start, end });
  assert.ok(locks.has(asked("1 a", 9, 20)));
  assert.ok(!locks.has(asked("1 a", 10, 20)));
  assert.ok(!locks.has(asked("1 b", 0, 10)));
  assert.ok(!locks.has(asked("2 a", 0, 10)));
  assert.ok(!locks.has(asked("1 a", 0, 10), "exclusive"));
  assert.ok(locks.has(asked("1 a", 0, 10), "shared"));
});

test("who waited and was served stands in no circle any more", () => {
  const waits = new LockWaits();
  const { locks } = table(waits);
  locks.lock(lockOf("2 b", "exclusive", 0, 10), 1, atOnce);
  locks.lock(lockOf("1 a", "exclusive", 0, 10), 2, waiting);
  locks.unlock(lockOf("2 b", "exclusive", 0, 10));
  locks.lock(lockOf("1 a", "exclusive", 20, 30), 3, atOnce);
  locks.unlock(lockOf("1 a", "exclusive", 0, 10));
  locks.lock(lockOf("2 b", "exclusive", 0, 10), 4, atOnce);
  assert.equal(locks.lock(lockOf("2 b", "exclusive", 20, 30), 5, waiting), "waits");
});

test("owners of the same name on two nodes make no circle", () => {
  const { locks } = table();
  locks.lock(lockOf("1 a", "exclusive", 0, 10), 1, atOnce);
  locks.lock(lockOf("2 b", "exclusive", 10, 20), 1, atOnce);
  assert.equal(locks.lock(lockOf("2 b", "exclusive", 0, 10), 2, waiting), "waits");
  assert.equal(locks.lock(lockOf("3 a", "exclusive", 10, 20), 2, waiting), "waits");
});

test("an owner with several threads waits for all that any of them waits for", () => {
  const { locks } = table();
  locks.lock(lockOf("1 a", "exclusive", 0, 10), 1, atOnce);
  locks.lock(lockOf("2 b", "exclusive", 10, 20), 1, atOnce);
  locks.lock(lockOf("3 c", "exclusive", 20, 30), 1, atOnce);
  locks.lock(lockOf("1 a", "exclusive", 10, 20), 2, waiting);
  locks.lock(lockOf("1 a", "exclusive", 20, 30), 3, waiting);
  assert.equal(locks.lock(lockOf("2 b", "exclusive", 0, 10), 2, waiting), "deadlock");
  assert.equal(locks.lock(lockOf("3 c", "exclusive", 0, 10), 2, waiting), "deadlock");
});

test("a circle that others stand in, and who asks does not, is walked once", () => {
  const waits = new LockWaits();
  const wait = (who: string, ...blockers: string[]): LockWait => ({
    ...ownerOf(who),
    blockers: () => blockers.map(ownerOf),
  });
  waits.add(wait("1 b", "1 c"));
  waits.add(wait("1 c", "1 b"));
  let steps = 0;
  const counted: LockWait = {
    ...ownerOf("1 d"),
    blockers: () => (++steps < 100 ? [ownerOf("1 b"), ownerOf("1 d")] : []),
  };
  waits.add(counted);
  assert.equal(waits.leadTo(ownerOf("1 a"), [ownerOf("1 d")]), false);
  assert.equal(steps, 1);
});

test("nothing is remembered of owners that wait no more", () => {
  const waits = new LockWaits();
  const { locks } = table(waits);
  locks.lock(lockOf("1 a", "exclusive", 0, 10), 1, atOnce);
  locks.lock(lockOf("2 b", "exclusive", 0, 10), 2, waiting);
  locks.lock(lockOf("3 c", "exclusive", 0, 10), 3, waiting);
  assert.equal(waits.ownerCount, 2);
  locks.cancelNode(3);
  locks.releaseNode(1);
  assert.equal(waits.ownerCount, 0);
});
