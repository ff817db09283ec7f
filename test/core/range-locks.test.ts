import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LockWaits } from "../../src/core/home/lock-waits.js";
import { type RangeLock, type RangeLockHow, RangeLocks, type RangeLockType } from "../../src/core/home/range-locks.js";

const atOnce: RangeLockHow = { wait: false, inLine: false, deadlocks: true };
const waiting: RangeLockHow = { ...atOnce, wait: true };
const inLine: RangeLockHow = { wait: true, inLine: true, deadlocks: false };

function lockOf(owner: string, type: RangeLockType, start: number, end = Number.POSITIVE_INFINITY): RangeLock {
  return { node: owner.length, owner, pid: 7, type, start, end };
}

function table(waits = new LockWaits()) {
  const locked: string[] = [];
  const locks = new RangeLocks(waits, (node, request) => locked.push(`${node}/${request}`));
  const held = () => locks.held.map(({ owner, type, start, end }) => `${owner} ${type} ${start}..${end}`).toSorted();
  return { locks, locked, held };
}

test("R16: readers share, a writer is alone, neighbours do not touch", () => {
  const { locks } = table();
  assert.equal(locks.lock(lockOf("a", "shared", 0, 10), 1, atOnce), "granted");
  assert.equal(locks.lock(lockOf("bb", "shared", 5, 15), 1, atOnce), "granted");
  assert.equal(locks.lock(lockOf("ccc", "exclusive", 9, 10), 1, atOnce), "refused");
  assert.equal(locks.lock(lockOf("ccc", "exclusive", 15), 2, atOnce), "granted");
  assert.equal(locks.lock(lockOf("a", "shared", 2 ** 53 - 2, 2 ** 53 - 1), 2, atOnce), "refused");
  assert.deepEqual(locks.conflict(lockOf("a", "exclusive", 0, 15)), lockOf("bb", "shared", 5, 15));
});

test("an owner's ranges are split, joined, upgraded and downgraded", () => {
  const { locks, held } = table();
  locks.lock(lockOf("a", "exclusive", 0, 100), 1, atOnce);
  locks.lock(lockOf("a", "shared", 40, 60), 2, atOnce);
  assert.deepEqual(held(), ["a exclusive 0..40", "a exclusive 60..100", "a shared 40..60"]);
  locks.unlock(lockOf("a", "shared", 50, 70));
  assert.deepEqual(held(), ["a exclusive 0..40", "a exclusive 70..100", "a shared 40..50"]);
  locks.lock(lockOf("a", "exclusive", 40, 70), 3, atOnce);
  assert.deepEqual(held(), ["a exclusive 0..100"]);
});

test("what waits is given in the order of arrival; a reader passes a waiting writer, unless it stands in line", () => {
  const { locks, locked } = table();
  locks.lock(lockOf("a", "shared", 0), 1, waiting);
  assert.equal(locks.lock(lockOf("bb", "exclusive", 0, 10), 1, waiting), "waits");
  assert.equal(locks.lock(lockOf("ccc", "shared", 0, 10), 1, atOnce), "granted", "as fcntl has it");
  assert.equal(locks.lock(lockOf("dddd", "shared", 0, 10), 1, inLine), "waits");
  assert.equal(locks.lock(lockOf("eeeee", "shared", 10, 20), 1, inLine), "granted", "no conflict with anybody in line");
  locks.unlock(lockOf("a", "shared", 0));
  assert.deepEqual(locked, []);
  locks.unlock(lockOf("ccc", "shared", 0));
  assert.deepEqual(locked, ["2/1"]);
  locks.releaseOwner(lockOf("bb", "shared", 0));
  assert.deepEqual(locked, ["2/1", "4/1"]);
});

test("who stands in line behind a request that is taken back goes on", () => {
  const { locks, locked } = table();
  locks.lock(lockOf("a", "shared", 0), 1, inLine);
  locks.lock(lockOf("bb", "exclusive", 0), 1, inLine);
  locks.lock(lockOf("ccc", "shared", 0), 1, inLine);
  assert.equal(locks.cancel(2, 1), true);
  assert.equal(locks.cancel(2, 1), false);
  assert.deepEqual(locked, ["3/1"]);
});

test("a circle of owners who wait is refused, through as many files as it runs; a former wait is none", () => {
  const waits = new LockWaits();
  const [one, other, third] = [table(waits), table(waits), table(waits)];
  one.locks.lock(lockOf("a", "exclusive", 0), 1, waiting);
  other.locks.lock(lockOf("bb", "exclusive", 0), 1, waiting);
  third.locks.lock(lockOf("ccc", "exclusive", 0), 1, waiting);
  assert.equal(other.locks.lock(lockOf("a", "exclusive", 5, 6), 2, waiting), "waits");
  assert.equal(third.locks.lock(lockOf("bb", "shared", 5, 6), 2, waiting), "waits");
  assert.equal(one.locks.lock(lockOf("ccc", "shared", 5, 6), 2, waiting), "deadlock");
  assert.equal(third.locks.cancel(2, 2), true);
  assert.equal(one.locks.lock(lockOf("ccc", "shared", 5, 6), 3, waiting), "waits");
});

test("an owner who gives up all that it holds goes on waiting; a node that is gone does not", () => {
  const { locks, locked } = table();
  locks.lock(lockOf("a", "exclusive", 0, 10), 1, atOnce);
  locks.lock(lockOf("bb", "exclusive", 10, 20), 1, atOnce);
  assert.equal(locks.lock(lockOf("bb", "exclusive", 0, 10), 2, waiting), "waits");
  locks.releaseOwner(lockOf("bb", "shared", 0));
  locks.unlock(lockOf("a", "shared", 0));
  assert.deepEqual(locked, ["2/2"]);
  assert.equal(locks.lock(lockOf("a", "exclusive", 0, 10), 2, waiting), "waits");
  locks.releaseNode(1);
  locks.releaseNode(2);
  assert.deepEqual([locked, locks.held.length, locks.waitingCount], [["2/2"], 0, 0]);
});

test("a node that is back has what it says, but for what others have by now", () => {
  const { locks, held } = table();
  locks.lock(lockOf("a", "exclusive", 0, 10), 1, atOnce);
  locks.lock(lockOf("bb", "exclusive", 20, 30), 1, atOnce);
  assert.deepEqual(locks.claim(1, [lockOf("a", "shared", 50, 60), lockOf("a", "exclusive", 29, 31)]), [1]);
  assert.deepEqual(held(), ["a shared 50..60", "bb exclusive 20..30"]);
});

test("a node that is back has not heard that a lock has ended, and has another one that was given for it: it keeps both", () => {
  const { locks, locked, held } = table();
  const lock = (owner: string, type: RangeLockType) => ({ ...lockOf(owner, type, 0, 10), node: 1 });
  locks.lock(lock("ended", "exclusive"), 1, atOnce);
  locks.lock(lock("given", "exclusive"), 2, waiting);
  locks.unlock(lock("ended", "exclusive"));
  assert.deepEqual(locked, ["1/2"]);
  assert.deepEqual(locks.claim(1, [lock("ended", "exclusive"), lock("given", "exclusive")]), []);
  locks.unlock(lock("ended", "exclusive"));
  assert.deepEqual(held(), ["given exclusive 0..10"]);
});

const claimed = fc.record({
  owner: fc.constantFrom("a", "b", "c"),
  type: fc.constantFrom("shared" as const, "exclusive" as const),
  start: fc.nat(30),
  length: fc.integer({ min: 1, max: 4 }),
});

test("claims made together come to the same as one by one, whether they lie apart or not", () => {
  fc.assert(
    fc.property(fc.array(claimed, { maxLength: 12 }), fc.array(claimed, { maxLength: 3 }), (claims, others) => {
      const locksOf = (of: typeof claims) =>
        of.map(({ owner, type, start, length }) => lockOf(owner, type, start, start + length));
      const [together, oneByOne, elsewhere] = [table(), table(), table()];
      for (const { locks } of [together, oneByOne, elsewhere]) {
        for (const lock of locksOf(others)) locks.lock({ ...lock, node: 2 }, 0, atOnce);
      }
      const lost = locksOf(claims).flatMap((lock, index) => {
        if (elsewhere.locks.conflict(lock) !== undefined) return [index];
        oneByOne.locks.take(lock);
        return [];
      });
      assert.deepEqual(together.locks.claim(1, locksOf(claims)), lost);
      assert.deepEqual(together.held(), oneByOne.held());
    }),
    { numRuns: 2000 },
  );
});

test("very many claims that lie apart take no longer for each than few", () => {
  const { locks } = table();
  const claims = Array.from({ length: 100_000 }, (_, index) => lockOf("a", "exclusive", 10 * index, 10 * index + 1));
  const start = performance.now();
  assert.deepEqual(locks.claim(1, claims), []);
  const millis = performance.now() - start;
  assert.equal(locks.held.length, claims.length);
  assert.ok(millis < 5000, `${millis} ms`); // About 100; a minute where each is compared with all before it.
});

const byteCount = 12;
type Cell = Map<string, RangeLockType>;
const step = fc.record({
  owner: fc.constantFrom("a", "bb", "ccc", "dddd"),
  start: fc.nat(byteCount - 1),
  length: fc.integer({ min: 1, max: 6 }),
  type: fc.constantFrom("shared", "exclusive", "none"),
  wait: fc.boolean(),
  leaves: fc.nat(20).map((draw) => draw === 0),
});

function noLocks(): Cell[] {
  return Array.from({ length: byteCount }, () => new Map());
}

function put(cells: Cell[], { owner, start, end, type }: RangeLock): void {
  for (const cell of cells.slice(start, end)) cell.set(owner, type);
}

function isFree(cells: Cell[], { owner, start, end, type }: RangeLock): boolean {
  const allows = (other: string, held: RangeLockType) => other === owner || (held === "shared" && type === "shared");
  return cells.slice(start, end).every((cell) => [...cell].every(([other, held]) => allows(other, held)));
}

test("byte by byte, locks are what a table of bytes says; nobody waits without a reason", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const twin = noLocks();
      const asked = new Map<string, RangeLock>();
      const locks = new RangeLocks(new LockWaits(), (node, request) => {
        put(twin, asked.get(`${node} ${request}`) as RangeLock);
        asked.delete(`${node} ${request}`);
      });
      for (const [request, { owner, start, length, type, wait, leaves }] of steps.entries()) {
        const lock = lockOf(owner, type === "none" ? "shared" : type, start, Math.min(byteCount, start + length));
        const key = `${lock.node} ${request}`;
        if (leaves) {
          for (const cell of twin) cell.delete(owner);
          for (const [other, waiter] of asked) if (waiter.owner === owner) asked.delete(other);
          locks.releaseNode(lock.node);
        } else if (type === "none") {
          for (const cell of twin.slice(lock.start, lock.end)) cell.delete(owner);
          locks.unlock(lock);
        } else {
          const free = isFree(twin, lock);
          if (free) put(twin, lock);
          const answer = locks.lock(lock, request, { ...atOnce, wait });
          assert.equal(answer === "granted", free);
          if (answer === "waits") asked.set(key, lock);
        }
        const found = noLocks();
        for (const held of locks.held) put(found, held);
        assert.deepEqual(found, twin);
        assert.equal(locks.waitingCount, asked.size);
        for (const waiter of asked.values()) assert.ok(!isFree(twin, waiter), "a waiter has somebody to wait for");
      }
    }),
  );
});
