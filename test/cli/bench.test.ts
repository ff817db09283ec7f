import assert from "node:assert/strict";
import { existsSync, rmSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { lacksProgram, lacksUserfaultfd } from "../support/requires.js";
import { dmmap } from "./dmmap.js";

test("bench measures what is named, and hands on how it went", async () => {
  const { code, stdout } = await dmmap(["bench", "--quick", "--json", "idle home"]);
  assert.equal(code, 0);
  const results = JSON.parse(stdout) as { name: string; ratio: number }[];
  assert.ok(results.length === 1 && results[0].name.includes("idle home") && results[0].ratio > 0, stdout);

  const unknown = await dmmap(["bench", "no such benchmark"]);
  assert.equal(unknown.code, 2);
  assert.equal(unknown.stderr, "bench: no benchmark has such a name: --list names them\n");
  const wrong = await dmmap(["bench", "--rounds", "0"]);
  assert.deepEqual([wrong.code, wrong.stderr], [2, "bench: --rounds is a whole number above 0\n"]);
});

test("bench --list names what there is to measure", async () => {
  const { code, stdout } = await dmmap(["bench", "--list"]);
  assert.equal(code, 0);
  const names = stdout.trimEnd().split("\n");
  assert.ok(names.includes("idle home"), stdout);
  assert.ok(
    names.some((name) => name.startsWith("mount:")),
    stdout,
  );
});

test("C programs are compiled beside the package, not into it", {
  skip: lacksUserfaultfd() || lacksProgram("gcc"),
}, async () => {
  const programs = fileURLToPath(new URL("../../bench/reference", import.meta.url));
  rmSync(programs, { recursive: true, force: true });
  const { code, stderr } = await dmmap(["bench", "--quick", "--json", "local fault"]);
  assert.equal(code, 0, stderr);
  assert.equal(existsSync(programs), false);
});
