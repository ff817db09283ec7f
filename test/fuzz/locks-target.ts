import assert from "node:assert/strict";
import fc from "fast-check";
import { LockWaits } from "../../src/core/home/lock-waits.js";
import { type RangeLock, RangeLocks } from "../../src/core/home/range-locks.js";
import type { FuzzTarget } from "./fuzz-target.js";
import { node, request } from "./values.js";

/** `end` null: as far as the file goes. A shell refuses empty ranges. */
const lock = fc.record({
  node,
  owner: fc.constantFrom("x", "y"),
  type: fc.constantFrom("shared", "exclusive"),
  start: fc.oneof({ weight: 8, arbitrary: fc.nat({ max: 8 }) }, { weight: 1, arbitrary: fc.constant(2 ** 53 - 2) }),
  length: fc.option(fc.integer({ min: 1, max: 8 }), { freq: 6 }),
});
const [wait, inLine, deadlocks] = [fc.boolean(), fc.boolean(), fc.boolean()];
const input = fc.oneof(
  { weight: 6, arbitrary: fc.record({ op: fc.constant("lock"), lock, request, wait, inLine, deadlocks }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constantFrom("unlock", "releaseOwner", "conflict"), lock }) },
  fc.record({ op: fc.constant("cancel"), node, request }),
  fc.record({ op: fc.constantFrom("cancelNode", "releaseNode"), node }),
  fc.record({ op: fc.constant("claim"), node, locks: fc.array(lock, { maxLength: 3 }) }),
);
type Input = Record<string, unknown> & { op: string };
type Asked = Omit<RangeLock, "end" | "pid"> & { length: number | null };

export const locksTarget: FuzzTarget<Input> = {
  name: "range-locks",
  input,
  run: (inputs, note) => {
    const waits = new LockWaits();
    let told = 0;
    /** These may say of themselves what they like. */
    const claiming = new Set<number>();
    const locks = new RangeLocks(waits, () => told++);
    for (const one of inputs) {
      const before = told;
      const answer = take(locks, one);
      if (one.op === "claim") claiming.add(Number(one.node));
      note(
        `${one.op} → ${String(answer)}, ${Math.min(2, told - before)} let in, ${Math.min(1, locks.waitingCount)} wait`,
      );
      check(locks.held, claiming);
      assert.ok(waits.ownerCount <= 6, "there are so many owners");
    }
    for (const gone of [1, 2, 3]) locks.releaseNode(gone);
    const all = {
      node: 9,
      owner: "honest",
      pid: 1,
      type: "exclusive" as const,
      start: 0,
      end: Number.POSITIVE_INFINITY,
    };
    assert.equal(locks.lock(all, 1, { wait: true, inLine: true, deadlocks: true }), "granted", "nobody is disturbed");
    assert.deepEqual([waits.ownerCount, locks.waitingCount, locks.held.length], [0, 0, 1]);
  },
};

function lockOf({ length, ...rest }: Asked): RangeLock {
  return { ...rest, pid: 7, end: length === null ? Number.POSITIVE_INFINITY : rest.start + length };
}

function take(locks: RangeLocks, one: Input): unknown {
  const who = Number(one.node);
  const lock = one.lock === undefined ? undefined : lockOf(one.lock as Asked);
  if (one.op === "cancel") return locks.cancel(who, Number(one.request));
  if (one.op === "cancelNode") return locks.cancelNode(who);
  if (one.op === "releaseNode") return locks.releaseNode(who);
  if (one.op === "claim") {
    const own = (one.locks as Asked[]).map((claimed) => Object.assign(lockOf(claimed), { node: who }));
    return locks.claim(who, own).length;
  }
  if (lock === undefined) return undefined;
  if (one.op === "unlock") return locks.unlock(lock);
  if (one.op === "releaseOwner") return locks.releaseOwner(lock);
  if (one.op === "conflict") return locks.conflict(lock) !== undefined;
  const how = { wait: one.wait === true, inLine: one.inLine === true, deadlocks: one.deadlocks === true };
  return locks.lock(lock, Number(one.request), how);
}

function check(held: readonly RangeLock[], claiming: ReadonlySet<number>): void {
  for (const [index, one] of held.entries()) {
    assert.ok(one.start < one.end);
    for (const other of held.slice(index + 1)) {
      if (one.start >= other.end || other.start >= one.end) continue;
      assert.ok(one.node !== other.node || one.owner !== other.owner, "an owner's ranges never overlap");
      if (one.node === other.node && claiming.has(one.node)) continue;
      assert.ok(one.type === "shared" && other.type === "shared", "R16: an exclusive lock is alone");
    }
  }
}
