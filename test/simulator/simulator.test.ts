import assert from "node:assert/strict";
import { test } from "node:test";
import { simulate } from "../../sim/simulation.js";

/** On two processors `npm run sim -- --seeds 10000` takes less than a minute; this test has one. */
const seedCount = 5_000;
function run(seed: number): ReturnType<typeof simulate> {
  try {
    return simulate(seed);
  } catch (error) {
    throw new Error(`again with: npm run sim -- --seed ${seed}`, { cause: error });
  }
}

test("R1, R2, R3, R9, R10: random programs under random faults, then everybody comes to rest", (context) => {
  let [steps, stores, loads] = [0, 0, 0];
  for (let seed = 1; seed <= seedCount; seed++) {
    const result = run(seed);
    steps += result.steps;
    stores += result.stores;
    loads += result.loads;
  }
  context.diagnostic(`${seedCount} seeds, ${steps} steps, ${stores} stores, ${loads} loads`);
  assert.ok(stores > seedCount && loads > seedCount, "a simulation that does nothing has not passed");
});

test("a seed is a run: the same again, to the letter", () => {
  const [first, again]: string[][] = [[], []];
  simulate(42, (line) => first.push(line));
  simulate(42, (line) => again.push(line));
  assert.ok(first.length > 100);
  assert.deepEqual(again, first);
});
