import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { MountCluster } from "../mount/mount-cluster.js";
import { lacks } from "./packages.js";
import { run } from "./run.js";

const units = 8;

test("make and gcc: each host compiles half of a program, one links it, the other runs it", {
  skip: lacks("make", "cc"),
}, async () => {
  await using cluster = await MountCluster.start();
  const [one, other] = cluster.mounts.map((mount) => mount.at("source"));
  mkdirSync(one);
  const numbers = Array.from({ length: units }, (_, number) => number);
  for (const number of numbers)
    writeFileSync(`${one}/unit${number}.c`, `int unit${number}(void) { return ${number}; }\n`);
  const declarations = numbers.map((number) => `int unit${number}(void);\n`).join("");
  const sum = numbers.map((number) => `unit${number}()`).join(" + ");
  writeFileSync(
    `${one}/main.c`,
    `#include <stdio.h>\n${declarations}int main(void) { return printf("%d\\n", ${sum}) < 0; }\n`,
  );
  const objects = ["main.o", ...numbers.map((number) => `unit${number}.o`)];
  writeFileSync(`${one}/Makefile`, `program: ${objects.join(" ")}\n\tcc -o $@ $^\n%.o: %.c\n\tcc -c -o $@ $<\n`);

  const half = Math.ceil(objects.length / 2);
  await Promise.all([
    run("make", ["-j2", ...objects.slice(0, half)], { cwd: one }),
    run("make", ["-j2", ...objects.slice(half)], { cwd: other }),
  ]);
  const linked = await run("make", ["program"], { cwd: one });
  assert.doesNotMatch(linked, / -c /, "what the other host has compiled is up to date here");
  assert.equal(await run(`${other}/program`, []), `${(units * (units - 1)) / 2}\n`);
  assert.match(await run("make", ["program"], { cwd: other }), /up to date/);
});
