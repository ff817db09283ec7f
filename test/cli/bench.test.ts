import assert from "node:assert/strict";
import { test } from "node:test";
import { dmmap } from "./dmmap.js";

test("bench measures what is named, and hands on how it went", async () => {
  const { code, stdout } = await dmmap(["bench", "--quick", "--json", "idle home"]);
  assert.equal(code, 0);
  const results = JSON.parse(stdout) as { name: string; ratio: number }[];
  assert.ok(results.length === 1 && results[0].name.includes("idle home") && results[0].ratio > 0, stdout);

  const unknown = await dmmap(["bench", "no such benchmark"]);
  assert.equal(unknown.code, 2);
  assert.match(unknown.stderr, /no benchmark has such a name/);
});
