import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { regressionSeeds } from "../../sim/regression-seeds.js";
import { simulate } from "../../sim/simulation.js";

function simulateMany(context: TestContext, seedCount: number, ...options: string[]): void {
  const script = fileURLToPath(new URL("../../sim/main.js", import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, "--seeds", String(seedCount), ...options], {
    encoding: "utf8",
  });
  context.diagnostic(stdout.trim());
  assert.equal(status, 0, stderr);
  const done = [...stdout.matchAll(/(\d+) seeds, (\d+) steps/g)].at(-1);
  assert.equal(Number(done?.[1]), seedCount);
  assert.ok(Number(done?.[2]) > 100 * seedCount, "a simulation that does nothing has not passed");
}

test("R1, R2, R3, R9, R10, R15, R20: random programs under random faults, then everybody comes to rest", (context) => {
  simulateMany(context, 10_000);
});

test("the same, where nodes are offered tokens unasked", (context) => {
  simulateMany(context, 2_000, "--from", "1000030000");
});

for (const seed of regressionSeeds) {
  test(`seed ${seed}, which found a bug once`, () => void simulate(seed));
}

test("a run has stores and loads in it", () => {
  const results = Array.from({ length: 20 }, (_, index) => simulate(index + 1));
  for (const kind of ["stores", "loads"] as const) {
    assert.ok(results.reduce((sum, result) => sum + result[kind], 0) > 200, kind);
  }
});

test("a seed is a run: the same again, to the letter", () => {
  const [first, again]: string[][] = [[], []];
  simulate(42, (line) => first.push(line));
  simulate(42, (line) => again.push(line));
  assert.ok(first.length > 100);
  assert.deepEqual(again, first);
});
