import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { simulate } from "../../sim/simulation.js";

const seedCount = 5_000;

test("R1, R2, R3, R9, R10, R15, R20: random programs under random faults, then everybody comes to rest", (context) => {
  const script = fileURLToPath(new URL("../../sim/main.js", import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, "--seeds", String(seedCount)], {
    encoding: "utf8",
  });
  context.diagnostic(stdout.trim());
  assert.equal(status, 0, stderr);
  const done = [...stdout.matchAll(/(\d+) seeds, (\d+) steps/g)].at(-1);
  assert.equal(Number(done?.[1]), seedCount);
  assert.ok(Number(done?.[2]) > 100 * seedCount, "a simulation that does nothing has not passed");
});

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
