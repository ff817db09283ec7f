import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FileDirectory } from "../../src/core/home/file-directory.js";
import { FileGrowth } from "../../src/core/token/file-growth.js";
import { everybody, GrowthWorld } from "./growth-world.js";

const node = fc.nat(1);
const steps = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.record({ kind: fc.constant("deliver" as const), who: fc.nat(2), up: fc.boolean() }) },
    {
      weight: 6,
      arbitrary: fc.record({ kind: fc.constant("append" as const), node, by: fc.integer({ min: 1, max: 9 }) }),
    },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("look" as const), who: fc.nat(2) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("open" as const), node }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("close" as const), node }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("cut" as const), node }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("giveBack" as const), node }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("sync" as const), node }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("reconnect" as const), node }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("restart" as const), power: fc.boolean() }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("settle" as const) }) },
  ),
  { maxLength: 80, size: "max" },
);

test("R6: whoever asks for a file's size finds what any program was told before, whoever makes it longer", (context) => {
  let [grown, looks, restarts] = [0, 0, 0];
  fc.assert(
    fc.property(steps, (taken) => {
      const world = new GrowthWorld();
      for (const step of taken) {
        if (step.kind === "deliver") world.deliver(step.who, step.up ? "toHome" : "toNode");
        else if (step.kind === "append") world.append(step.node, step.by);
        else if (step.kind === "look") world.look(step.who);
        else if (step.kind === "restart") world.restart(step.power);
        else if (step.kind === "settle") world.settle();
        else world[step.kind](step.node);
      }
      world.settle();
      assert.ok(world.isQuiet, "everybody is answered");
      for (const who of everybody) world.look(who);
      world.settle();
      assert.ok(world.isQuiet, "everybody is answered");
      world.assertOneSize();
      grown += world.grownHere;
      looks += world.looks;
      restarts += world.restarts;
    }),
    { numRuns: 3000 },
  );
  context.diagnostic(`${grown} times a node made it longer by itself; ${looks} looks; ${restarts} restarts`);
  assert.ok(grown > 500 && looks > 5000 && restarts > 500);
});

test("a node that has asked for a size decides nothing before it has been answered for the last time", () => {
  const growth = new FileGrowth();
  growth.opened();
  assert.equal(growth.isOurs, true);
  const [first, second] = [growth.asked(10), growth.asked(20)];
  growth.answered(first, 10, true); // Which the second question has given back.
  assert.equal(growth.isOurs, false);
  growth.answered(second, 20, false);
  assert.equal(growth.isOurs, false);
  growth.answered(growth.asked(30), 30, true);
  assert.equal(growth.isOurs, true);
});

test("sizes are left to nobody while one waits, or anybody else has the file", () => {
  const told: number[] = [];
  const directory = new FileDirectory(
    {
      grant: () => undefined,
      revoke: () => undefined,
      resize: (node) => told.push(node),
      setSize: () => undefined,
      truncated: () => undefined,
    },
    { policy: "optimal", sizeBytes: 0 },
  );
  directory.open(1);
  assert.equal(directory.mayLeaveSizeTo(1), true);
  assert.equal(directory.mayLeaveSizeTo(2), false);
  directory.extend(1, 1, 10);
  assert.equal(directory.mayLeaveSizeTo(1), true, "it has been told of what it asked for");
  directory.truncate(1, 2, 5);
  assert.equal(directory.mayLeaveSizeTo(1), false, "it has asked for another since");
  directory.resized(1, directory.epoch);
  directory.resized(1, directory.epoch);
  assert.deepEqual([directory.mayLeaveSizeTo(1), directory.sizeBytes, told], [true, 5, [1, 1]]);
  directory.open(2);
  assert.equal(directory.mayLeaveSizeTo(1), false);
});
