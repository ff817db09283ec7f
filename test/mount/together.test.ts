import { writeFileSync } from "node:fs";
import { after, test } from "node:test";
import { lacksFuse } from "../support/requires.js";
import { CompiledProgram } from "./compiled-program.js";
import { MountCluster } from "./mount-cluster.js";

const skip = lacksFuse();
const append = new CompiledProgram("append");
const crossed = new CompiledProgram("crossed");
after(() => {
  for (const program of [append, crossed]) program[Symbol.dispose]();
});

async function withFiles(names: readonly string[], act: (paths: string[]) => Promise<void>): Promise<void> {
  await using cluster = await MountCluster.start();
  for (const name of names) writeFileSync(cluster.mounts[0].at(name), "");
  await act(names.flatMap((name) => cluster.mounts.map((mount) => mount.at(name))));
}

test("O_APPEND by six processes on two mounts: no record is lost, torn or out of order", { skip }, async () => {
  await withFiles(["log"], async (paths) => {
    await append.run([6, 100, ...paths]);
  });
});

test("reads and writes whose buffers are maps of the same file, or of one that is used crosswise, go on", {
  skip,
}, async (context) => {
  await withFiles(["one", "two"], async (paths) => {
    context.diagnostic(await crossed.run([6, ...paths]));
  });
});
