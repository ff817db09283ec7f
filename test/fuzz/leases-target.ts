import assert from "node:assert/strict";
import fc from "fast-check";
import { LeaseTable } from "../../src/core/home/lease-table.js";
import type { FuzzTarget } from "./fuzz-target.js";
import { node } from "./values.js";

const leasesMax = 4;
const key = fc.nat({ max: 5 });
const input = fc.oneof(
  { weight: 4, arbitrary: fc.record({ op: fc.constantFrom("grant", "insist", "drop"), node, key }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant("change"), node, key, other: key }) },
  { weight: 4, arbitrary: fc.record({ op: fc.constant("acknowledge"), node, recall: fc.nat({ max: 12 }) }) },
  fc.record({ op: fc.constantFrom("forget", "cancel"), node }),
);
type Input = Record<string, unknown> & { op: string };

export const leasesTarget: FuzzTarget<Input> = {
  name: "lease-table",
  input,
  run: (inputs, note) => {
    let changes = 0;
    let recalls = 0;
    const table = new LeaseTable({ recall: () => recalls++ }, leasesMax);
    const change = (by: number, keys: number[]) => {
      table.change(
        by,
        () => keys,
        () => {
          changes++;
          for (const one of keys) {
            for (const other of [1, 2, 3]) assert.ok(other === by || !table.has(other, one), "I19: nobody goes by it");
          }
        },
      );
    };
    for (const one of inputs) {
      const [who, what, before] = [Number(one.node), Number(one.key), changes + recalls];
      if (one.op === "grant") note(`told ${table.grant(who, what)}`);
      else if (one.op === "insist") table.insist(who, what);
      else if (one.op === "drop") table.drop(who, [what]);
      else if (one.op === "change") change(who, [...new Set([what, Number(one.other)])]);
      else if (one.op === "acknowledge") note(`acknowledged ${table.acknowledged(who, Number(one.recall))}`);
      else if (one.op === "forget") table.forget(who);
      else table.cancel(who);
      note(`${one.op} → ${Math.min(2, changes + recalls - before)} of ${Math.min(2, table.waitingCount)}`);
      assert.ok(table.keyCount <= 6 && table.nodeCount <= 3);
    }
    // Whoever was hostile is gone: the others go on, and nothing is remembered of it.
    for (const gone of [1, 2, 3]) {
      table.forget(gone);
      table.cancel(gone);
    }
    const before = changes;
    change(9, [0, 1, 2, 3, 4, 5]);
    assert.equal(changes, before + 1);
    assert.deepEqual([table.waitingCount, table.keyCount, table.nodeCount], [0, 0, 0]);
  },
};
