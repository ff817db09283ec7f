import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Script } from "node:vm";
import { broken, countPlaces } from "../../sim/mutation/mutation.js";
import { mutations, sampleOf } from "../../sim/mutation/mutations.js";

/** As a script, without what only a module may have. */
function parse(text: string): Script {
  return new Script(text.replace(/^import [^;]*;$/gm, "").replace(/^export (?=\w)/gm, ""));
}

const built = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

for (const mutation of mutations) {
  test(`the core still has what is to be broken: ${mutation.name}`, () => {
    const text = readFileSync(join(built, mutation.file), "utf8");
    assert.equal(
      countPlaces(text, mutation),
      1,
      `mend sim/mutation: not found once in ${mutation.file}: ${mutation.from}`,
    );
    const changed = broken(text, mutation);
    assert.notEqual(changed, text);
    assert.doesNotThrow(() => parse(changed));
  });
}

test("there are many ways to break the core, each with a name of its own, and a sample of them is always the same", () => {
  assert.ok(mutations.length >= 140);
  assert.equal(new Set(mutations.map(({ name }) => name)).size, mutations.length);
  assert.equal(new Set(sampleOf(mutations, 24)).size, 24);
  assert.deepEqual(sampleOf(mutations, 24), sampleOf(mutations, 24));
});
