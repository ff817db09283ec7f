import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { Program } from "../support/program.js";
import { lacksUserfaultfd } from "../support/requires.js";

const example = new URL("../../examples/simplistic-filesystem/", import.meta.url);

test("the RFC's simplistic filesystem hands a file over between two processes and loses no store", {
  skip: lacksUserfaultfd(),
}, async () => {
  using program = new Program(new URL("main.js", example));
  assert.deepEqual(
    await program.end(60_000),
    { code: 0, signal: null },
    `${program.lines.join("\n")}${program.errors}`,
  );
  assert.match(program.lines[0], /4000000 and 4000000 seen by the nodes, 4000000 on disk/);
  const handOvers = Number(program.lines[1].match(/^(\d+) hand-overs/)?.[1]);
  assert.ok(handOvers > 2, `${handOvers} hand-overs`);
});

test("the example is short", () => {
  const files = readdirSync(example).filter((name) => name.endsWith(".js"));
  const lines = files.map((name) => readFileSync(new URL(name, example), "utf8").split("\n").length);
  assert.equal(files.length, 4);
  assert.ok(lines.reduce((sum, count) => sum + count, 0) < 150, lines.join(" + "));
});
