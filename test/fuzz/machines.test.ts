import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readCorpus } from "./corpus.js";
import { inputsMax } from "./fuzz-target.js";
import { targets } from "./targets.js";

const runs = 3000;

for (const { name, input, run } of targets) {
  test(`${name}: what was interesting once still does no harm`, (context) => {
    const corpus = readCorpus(name);
    assert.ok(corpus.length > 5);
    for (const inputs of corpus) {
      try {
        run(inputs, () => undefined);
      } catch (error) {
        throw new Error(`${name} of the corpus: ${JSON.stringify(inputs)}`, { cause: error });
      }
    }
    context.diagnostic(`${corpus.length} inputs`);
  });

  test(`${name}: no input of a peer, in whatever order, breaks a promise, stops it, or disturbs others`, () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(fc.array(input, { maxLength: inputsMax, size: "max" }), (inputs) => {
        run(inputs, (what) => seen.add(what));
      }),
      { numRuns: runs },
    );
    assert.ok(seen.size > 5, "a fuzzer that always sees the same has not passed");
  });
}
