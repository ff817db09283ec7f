import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { replay, type Script } from "../../sim/script.js";
import { shrink } from "../../sim/shrink.js";
import { scriptOf, simulate } from "../../sim/simulation.js";

const main = fileURLToPath(new URL("../../sim/main.js", import.meta.url));

/** The seeds of a run, and its script. */
const seeds = [2, 3, 5, 7, 11, 13];

function transcriptOf(run: (trace: (line: string) => void) => unknown): string[] {
  const lines: string[] = [];
  run((line) => lines.push(line));
  return lines.filter((line) => !line.startsWith("seed "));
}

test("a script is the run that it was taken from, to the letter", () => {
  for (const seed of seeds) {
    const script = scriptOf(seed);
    const again = transcriptOf((trace) => replay(script, trace));
    assert.deepEqual(
      again,
      transcriptOf((trace) => simulate(seed, trace)),
    );
    assert.ok(again.length > 50);
  }
});

/** Made up: no page may have been stored to twice by node b since node a last stored to it. */
function madeUpFailure(script: Script): string | undefined {
  const stored = transcriptOf((trace) => replay(script, trace)).flatMap(
    (line) => /^ *(\w) has stored \d+ to word (\d+)/.exec(line)?.slice(1, 3) ?? [],
  );
  const counts = new Map<string, number>();
  for (let at = 0; at < stored.length; at += 2) {
    const [node, word] = [stored[at], stored[at + 1]];
    counts.set(word, node === "b" ? (counts.get(word) ?? 0) + 1 : 0);
    if (counts.get(word) === 2) return `broken: ${node} has stored to word ${word} twice`;
  }
  return undefined;
}

test("a failing run is cut down to a few steps that still break the same promise", () => {
  let shrunk = 0;
  for (const seed of seeds) {
    const script = scriptOf(seed);
    if (madeUpFailure(script) === undefined) continue;
    const small = shrink(script, madeUpFailure);
    assert.match(madeUpFailure(small) ?? "", /twice/);
    assert.ok(small.steps.length <= 25, `seed ${seed}: ${script.steps.length} steps shrunk to ${small.steps.length}`);
    assert.ok(small.setting.nodes <= 2);
    assert.ok(small.setting.threads <= 2);
    shrunk++;
  }
  assert.ok(shrunk > 1);
});

test("what breaks no promise is left as it is", () => {
  const script = scriptOf(2);
  assert.equal(
    shrink(script, () => undefined),
    script,
  );
});

function runMain(...args: string[]) {
  return spawnSync(process.execPath, [main, ...args], { encoding: "utf8", timeout: 120_000 });
}

test("npm run sim: a run with its transcript, many seeds, fresh seeds for some time, and what it can do", () => {
  const one = runMain("--seed", "42", "--lines", "5");
  assert.match(one.stdout, /lines before: --lines \d+\)\n(.*\n){5}seed 42: all promises kept/);
  const many = runMain("--seeds", "7", "--from", "3");
  assert.match(many.stdout, /^7 seeds, \d+ steps in/);
  const soak = runMain("--minutes", "0.02", "--from", "1", "--jobs", "1");
  assert.match(soak.stdout, /^seeds from 1, for 0.02 minutes\n.*\d+ seeds, \d+ steps in [\d.]+ s; 0 failed/);
  const whole = runMain("--seed", "42", "--shrink");
  assert.match(whole.stdout, /nothing to shrink/);
  for (const { status } of [one, many, soak, whole]) assert.equal(status, 0);
  const help = runMain("--help");
  for (const option of ["--seed", "--seeds", "--minutes", "--shrink", "--from", "--lines", "--jobs", "--quiet"]) {
    assert.match(help.stdout, new RegExp(`${option}\\b`));
  }
  assert.equal(runMain("--seeds", "many").status, 2);
});
