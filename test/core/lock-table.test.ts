import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LockTable } from "../../src/core/home/lock-table.js";

function table() {
  const locked: string[] = [];
  const locks = new LockTable((owner, request, lock) => locked.push(`${owner}/${request} has ${lock}`));
  return { locks, locked };
}

test("R16: readers share, a writer is alone, neighbours do not touch", () => {
  const { locks, locked } = table();
  assert.equal(locks.lock(1, 1, 0, 10, "shared", false), "granted");
  assert.equal(locks.lock(2, 1, 5, 10, "shared", false), "granted");
  assert.equal(locks.lock(3, 1, 9, 1, "exclusive", false), "refused");
  assert.equal(locks.lock(3, 2, 15, 10, "exclusive", false), "granted");
  assert.equal(locks.lock(1, 2, 24, 1, "shared", false), "refused");
  assert.deepEqual(locked, ["1/1 has 1", "2/1 has 2", "3/2 has 3"]);
});

test("locks of one owner exclude each other as any two do", () => {
  const { locks } = table();
  assert.equal(locks.lock(1, 1, 0, 1, "exclusive", false), "granted");
  assert.equal(locks.lock(1, 2, 0, 1, "exclusive", false), "refused");
});

test("first come, first served: a reader does not pass a waiting writer", () => {
  const { locks, locked } = table();
  locks.lock(1, 1, 0, 100, "shared", true);
  assert.equal(locks.lock(2, 1, 50, 1, "exclusive", true), "waits");
  assert.equal(locks.lock(3, 1, 50, 1, "shared", true), "waits");
  assert.equal(locks.lock(3, 2, 50, 1, "shared", false), "refused");
  assert.equal(locks.lock(3, 3, 51, 1, "shared", true), "granted", "no conflict with anybody in line");
  locks.unlock(1, 1);
  assert.deepEqual(locked.slice(2), ["2/1 has 3"]);
  locks.unlock(2, 3);
  assert.deepEqual(locked.slice(3), ["3/1 has 4"]);
});

test("length 0 reaches to the end, however far; bytes are exact to 2^53", () => {
  const { locks } = table();
  const last = Number.MAX_SAFE_INTEGER;
  assert.equal(locks.lock(1, 1, last - 1, 1, "exclusive", false), "granted");
  assert.equal(locks.lock(2, 1, last - 2, 1, "exclusive", false), "granted");
  assert.equal(locks.lock(2, 2, last, 0, "exclusive", false), "granted");
  assert.equal(locks.lock(3, 1, last, 0, "shared", false), "refused");
  assert.equal(locks.lock(3, 1, 0, 0, "shared", false), "refused");
  for (const [start, length] of [
    [-1, 1],
    [0.5, 1],
    [0, -1],
    [1, last],
    [2 ** 53, 1],
    [0, Number.NaN],
  ]) {
    assert.throws(() => locks.lock(1, 9, start, length, "shared", true), RangeError, `${start} ${length}`);
  }
});

test("only its owner unlocks a lock or takes a request back; a node that leaves frees all of its", () => {
  const { locks, locked } = table();
  locks.lock(1, 1, 0, 0, "exclusive", true);
  locks.lock(2, 7, 0, 1, "exclusive", true);
  locks.lock(3, 8, 0, 1, "exclusive", true);
  assert.equal(locks.unlock(2, 1), false);
  assert.equal(locks.cancel(3, 7), false);
  assert.equal(locks.cancel(2, 7), true);
  assert.equal(locks.cancel(2, 7), false);
  assert.equal(locks.releaseOwner(1), 1);
  assert.deepEqual(locked, ["1/1 has 1", "3/8 has 2"]);
  assert.equal(locks.releaseOwner(3), 1);
  assert.deepEqual([locks.heldCount, locks.waitingCount], [0, 0]);
});

test("whatever happens, no two locks conflict, and nobody waits without a reason", () => {
  const step = fc.record({
    owner: fc.integer({ min: 1, max: 4 }),
    start: fc.integer({ min: 0, max: 12 }),
    length: fc.integer({ min: 0, max: 6 }),
    exclusive: fc.boolean(),
    action: fc.constantFrom("lock", "lock", "lock", "unlock", "cancel", "leave"),
    pick: fc.nat(100),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const held: { owner: number; lock: number; request: number }[] = [];
      const asked = new Map<number, { owner: number; start: number; end: number; exclusive: boolean }>();
      const waiting: number[] = [];
      const locks = new LockTable((owner, request, lock) => {
        held.push({ owner, request, lock });
        if (waiting.includes(request)) waiting.splice(waiting.indexOf(request), 1);
      });
      const clash = (one: number, other: number) => {
        const [a, b] = [asked.get(one), asked.get(other)];
        if (a === undefined || b === undefined) return false;
        return (a.exclusive || b.exclusive) && a.start < b.end && b.start < a.end;
      };
      steps.forEach(({ owner, start, length, exclusive, action, pick }, request) => {
        if (action === "lock") {
          asked.set(request, {
            owner,
            start,
            end: length === 0 ? Number.POSITIVE_INFINITY : start + length,
            exclusive,
          });
          if (locks.lock(owner, request, start, length, exclusive ? "exclusive" : "shared", true) === "waits") {
            waiting.push(request);
          }
        } else if (action === "unlock" && held.length > 0) {
          const [gone] = held.splice(pick % held.length, 1);
          assert.ok(locks.unlock(gone.owner, gone.lock));
        } else if (action === "cancel" && waiting.length > 0) {
          const [gone] = waiting.splice(pick % waiting.length, 1);
          assert.ok(locks.cancel(asked.get(gone)?.owner ?? 0, gone));
        } else if (action === "leave") {
          for (let index = held.length - 1; index >= 0; index--) if (held[index].owner === owner) held.splice(index, 1);
          for (let index = waiting.length - 1; index >= 0; index--) {
            if (asked.get(waiting[index])?.owner === owner) waiting.splice(index, 1);
          }
          locks.releaseOwner(owner);
        }
        for (const one of held) {
          for (const other of held) assert.ok(one === other || !clash(one.request, other.request));
        }
        waiting.forEach((request, index) => {
          const before = [...held.map((lock) => lock.request), ...waiting.slice(0, index)];
          assert.ok(
            before.some((other) => clash(other, request)),
            "a waiter has somebody to wait for",
          );
        });
      });
      assert.equal(locks.heldCount, held.length);
      assert.equal(locks.waitingCount, waiting.length);
    }),
  );
});
