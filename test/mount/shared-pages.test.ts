import { writeFileSync } from "node:fs";
import { after, test } from "node:test";
import { lacksFuse } from "../support/requires.js";
import { CompiledProgram } from "./compiled-program.js";
import { MountCluster } from "./mount-cluster.js";

const skip = lacksFuse();
const names = ["index", "ranks", "private-order", "last-page", "stamps"] as const;
const programs = new Map(names.map((name) => [name, new CompiledProgram(name)]));
after(() => {
  for (const program of programs.values()) program[Symbol.dispose]();
});

/** Runs a program on one file, by its path on each of two mounts. */
async function runOnTwo(name: (typeof names)[number], ...args: number[]): Promise<string> {
  await using cluster = await MountCluster.start();
  const paths = cluster.mounts.map((mount) => mount.at("file"));
  writeFileSync(paths[0], "");
  return (await programs.get(name)?.run([...args, ...paths])) ?? "";
}

for (const [ranks, rounds] of [
  [2, 60],
  [7, 12],
  [20, 3],
]) {
  test(`R1: ${ranks} processes on two mounts, blocks of 508 bytes: one writes, all others compare`, {
    skip,
  }, async () => {
    await runOnTwo("ranks", ranks, rounds);
  });
}

test("R4: who reads through a private map on another mount never sees an older number, for 20 s", {
  skip,
}, async (context) => {
  context.diagnostic(await runOnTwo("private-order", 20));
});

test("R4, R5, R7: the last page and private pages, while the other mount changes the file and its size", {
  skip,
}, async () => {
  await runOnTwo("last-page");
});

test("R1: who sees the header of an index, in one page, sees the entries that it speaks of, in the others", {
  skip,
}, async (context) => {
  context.diagnostic(await runOnTwo("index", 8));
});

test("nobody sees two stamps in one page, by maps under locks and by calls", { skip }, async (context) => {
  context.diagnostic(await runOnTwo("stamps", 5, 8));
});
