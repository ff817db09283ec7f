import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { after, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { lacksFuse } from "../support/requires.js";
import { within } from "../support/until.js";
import { CompiledProgram } from "./compiled-program.js";
import { MountCluster } from "./mount-cluster.js";

const skip = lacksFuse();
const signals = new CompiledProgram("signals");
after(() => signals[Symbol.dispose]());

test("no call on a file fails, or is cut short, for a signal that its program handles", { skip }, async (context) => {
  await using cluster = await MountCluster.start();
  const folders = cluster.mounts.map((mount, index) => mount.at(`of mount ${index}`));
  for (const folder of folders) mkdirSync(folder);
  const outputs = await Promise.all(folders.map((folder) => signals.run([5, folder])));
  for (const output of outputs) context.diagnostic(output.trim());
});

/** The kernel tells of the first signal only: that the program has been killed since, the mount has to find out. */
test("a program that has handled a signal in a call that waits for the home goes on waiting, and can be killed", {
  skip,
}, async () => {
  await using cluster = await MountCluster.start({ mounts: 1, home: { leaseMillis: 3000 } });
  const [mount] = cluster.mounts;
  const program = spawn(signals.path, ["60", mount.path], { stdio: ["ignore", "ignore", "inherit"] });
  const ended = once(program, "exit");
  await delay(300);
  await cluster.home.kill();
  await delay(1500);
  assert.equal(program.exitCode, null, "it waits, and has signals all the time");
  program.kill("SIGTERM");
  assert.deepEqual(await within("its end", ended, 5000), [null, "SIGTERM"]);
  await cluster.home.start();
});
