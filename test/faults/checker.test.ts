import assert from "node:assert/strict";
import { test } from "node:test";
import { check, type Faults } from "./checker.js";
import type { Access, Synced } from "./history.js";

const r = (process: number, value: number, start: number, end: number, key = 0): Access => {
  return { kind: "read", process, key, value, start, end };
};
const w = (process: number, value: number, start: number, end: number, key = 0): Access => {
  return { kind: "write", process, key, value, start, end };
};

interface Case {
  readonly name: string;
  readonly accesses: readonly Access[];
  readonly syncs?: readonly Synced[];
  readonly faults?: Faults;
  readonly wrong?: RegExp;
}

const cases: readonly Case[] = [
  { name: "nothing", accesses: [] },
  { name: "zero before any write", accesses: [r(1, 0, 0, 1), w(2, 5, 2, 3), r(1, 5, 4, 5)] },
  { name: "a read during a write may see either", accesses: [w(1, 5, 0, 10), r(2, 0, 1, 2), r(2, 5, 3, 4)] },
  { name: "two readers during a write, in time's order", accesses: [w(1, 5, 0, 10), r(2, 0, 1, 2), r(3, 5, 3, 4)] },
  {
    name: "concurrent writes in either order",
    accesses: [w(1, 5, 0, 10), w(2, 6, 0, 10), r(3, 6, 11, 12), r(3, 6, 13, 14)],
  },
  { name: "a write that was killed and that somebody saw", accesses: [w(1, 5, 0, Infinity), r(2, 5, 9, 10)] },
  { name: "a write that was killed and that nobody saw", accesses: [w(1, 5, 0, Infinity), r(2, 0, 9, 10)] },
  { name: "words are apart", accesses: [w(1, 5, 0, 1, 0), r(2, 0, 2, 3, 1), r(2, 5, 4, 5, 0)] },

  { name: "a value from nowhere", accesses: [r(1, 7, 0, 1)], wrong: /nobody wrote/ },
  { name: "a value from the future", accesses: [r(1, 5, 0, 1), w(2, 5, 2, 3)], wrong: /before write 5/ },
  { name: "a value written twice", accesses: [w(1, 5, 0, 1), w(2, 5, 2, 3)], wrong: /twice/ },
  { name: "a stale read", accesses: [w(1, 5, 0, 1), r(2, 0, 2, 3)], wrong: /read 0 by 2/ },
  {
    name: "a stale read between two values",
    accesses: [w(1, 5, 0, 1), w(1, 6, 2, 3), r(2, 5, 4, 5)],
    wrong: /read 5 by 2/,
  },
  {
    name: "one reader that goes back in time",
    accesses: [w(1, 5, 0, 1), w(1, 6, 2, 20), r(2, 6, 4, 5), r(2, 5, 6, 7)],
    wrong: /read 5 by 2/,
  },
  {
    name: "a value seen on one node, and then an older one on another, while the write is under way",
    accesses: [w(1, 5, 0, 20), r(2, 5, 4, 5), r(3, 0, 6, 7)],
    wrong: /read 0 by 3/,
  },
  {
    name: "two readers who disagree on the order of two writes",
    accesses: [w(1, 5, 0, 30), w(2, 6, 0, 30), r(3, 5, 1, 2), r(3, 6, 3, 4), r(4, 5, 5, 6)],
    wrong: /./,
  },
  { name: "an update that is lost", accesses: [w(1, 5, 0, 1), w(2, 6, 2, 3), r(1, 5, 4, 5)], wrong: /./ },
  {
    name: "a value that comes back after it was overwritten and seen so",
    accesses: [w(1, 5, 0, 1), w(2, 6, 2, 3), r(3, 6, 4, 5), r(3, 5, 6, 7)],
    wrong: /./,
  },
  {
    name: "a killed write that is seen, and then not",
    accesses: [w(1, 5, 0, Infinity), r(2, 5, 4, 5), r(2, 0, 6, 7)],
    wrong: /./,
  },

  {
    name: "a fenced node loses what it alone had",
    accesses: [w(1, 5, 0, 1), r(1, 5, 2, 3), r(2, 0, 20, 21)],
    faults: { fenced: [{ process: 1, from: 10, until: 10 }] },
  },
  {
    name: "what another has seen is not lost, whoever is fenced",
    accesses: [w(1, 5, 0, 1), r(2, 5, 2, 3), r(2, 0, 20, 21)],
    faults: { fenced: [{ process: 1, from: 10, until: 10 }] },
    wrong: /./,
  },
  {
    name: "what was synced is not lost, whoever is fenced",
    accesses: [w(1, 5, 0, 1), r(2, 0, 20, 21)],
    syncs: [{ process: 1, start: 2, end: 3 }],
    faults: { fenced: [{ process: 1, from: 10, until: 10 }] },
    wrong: /./,
  },
  {
    name: "a sync that began before the write does not cover it",
    accesses: [w(1, 5, 2, 3), r(2, 0, 20, 21)],
    syncs: [{ process: 1, start: 1, end: 4 }],
    faults: { fenced: [{ process: 1, from: 10, until: 10 }] },
  },
  {
    name: "a sync that may have been the next session's does not cover it",
    accesses: [w(1, 5, 0, 1), r(2, 0, 20, 21)],
    syncs: [{ process: 1, start: 12, end: 13 }],
    faults: { fenced: [{ process: 1, from: 10, until: 14 }] },
  },
  {
    name: "a node loses nothing that it wrote after its fence",
    accesses: [w(1, 5, 12, 13), r(2, 0, 20, 21)],
    faults: { fenced: [{ process: 1, from: 10, until: 10 }] },
    wrong: /./,
  },
  {
    name: "only the fenced node loses",
    accesses: [w(2, 5, 0, 1), r(1, 0, 20, 21)],
    faults: { fenced: [{ process: 1, from: 10, until: 10 }] },
    wrong: /./,
  },
  {
    name: "a node that was stopped beyond its lease is blind for a moment",
    accesses: [w(1, 5, 0, 1), r(2, 5, 2, 3), w(1, 6, 4, 5), r(2, 5, 9, 10), r(2, 6, 20, 21)],
    faults: { blind: [{ process: 2, from: 4, until: 12 }] },
  },
  {
    name: "and not for longer",
    accesses: [w(1, 5, 0, 1), r(2, 5, 2, 3), w(1, 6, 4, 5), r(2, 5, 20, 21)],
    faults: { blind: [{ process: 2, from: 4, until: 12 }] },
    wrong: /./,
  },
];

for (const { name, accesses, syncs = [], faults, wrong } of cases) {
  test(`the checker ${wrong ? "rejects" : "accepts"}: ${name}`, () => {
    const problems = check({ accesses: [...accesses], syncs: [...syncs] }, faults);
    if (wrong === undefined) assert.deepEqual(problems, []);
    else assert.match(problems.join("\n"), wrong);
  });
}

test("the checker agrees with a search through all orders on small random histories", () => {
  let state = 7;
  const draw = (limit: number) => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((state / 2 ** 31) * limit);
  };
  const verdicts = { good: 0, bad: 0 };
  for (let round = 0; round < 5000; round++) {
    const writes = Array.from({ length: 1 + draw(2) }, (_, index) => {
      const start = draw(20);
      return w(index, index + 1, start, start + 1 + draw(8));
    });
    const reads = Array.from({ length: 1 + draw(3) }, (_, index) => {
      const start = draw(24);
      return r(10 + index, draw(writes.length + 1), start + 0.5, start + 1.5 + draw(6));
    });
    const accesses = [...writes, ...reads];
    const found = check({ accesses, syncs: [] }).length === 0;
    assert.equal(found, hasOrder(accesses, 0), JSON.stringify(accesses));
    verdicts[found ? "good" : "bad"]++;
  }
  assert.ok(verdicts.good > 500 && verdicts.bad > 500, `both kinds were drawn: ${JSON.stringify(verdicts)}`);
});

/** Whether the accesses can be put into an order that respects time and in which every read sees the latest write. */
function hasOrder(left: readonly Access[], value: number): boolean {
  if (left.length === 0) return true;
  return left.some((next) => {
    if (left.some((other) => other.end < next.start)) return false;
    if (next.kind === "read" && next.value !== value) return false;
    return hasOrder(
      left.filter((other) => other !== next),
      next.kind === "write" ? next.value : value,
    );
  });
}
