import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const sampleCount = 24;

test("of the ways to break the core a sample, always the same: the tiers notice each", (context) => {
  const script = fileURLToPath(new URL("../../sim/mutation/mutate-main.js", import.meta.url));
  // The tiers themselves are run by this same `npm test`: unbroken, they pass or fail there.
  const args = ["--sample", String(sampleCount), "--seeds", "1500", "--trust"];
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], { encoding: "utf8" });
  context.diagnostic(stdout.trim().split("\n").at(-1) ?? "");
  assert.equal(status, 0, `${stdout}\n${stderr}`);
  assert.match(stdout, new RegExp(`\n${sampleCount} ways to break the core`));
});
