import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { lacksFuse } from "../support/requires.js";
import { until, within } from "../support/until.js";
import { CompiledProgram } from "./compiled-program.js";
import { MountCluster } from "./mount-cluster.js";

const skip = lacksFuse();
const pageBytes = 4096;

/** Whether any of its threads waits for a page that the kernel has locked, which no signal ends. */
function isStuck(process: number): boolean {
  const threads = readdirSync(`/proc/${process}/task`);
  return threads.some((thread) => readFileSync(`/proc/${process}/task/${thread}/wchan`, "utf8").includes("folio"));
}

test("a mount that is killed while it waits for a page that the kernel has locked: it is gone, and its programs end", {
  skip,
}, async () => {
  await using cluster = await MountCluster.start({ home: { leaseMillis: 2000 } });
  const [one, other] = cluster.mounts;
  writeFileSync(one.at("file"), new Uint8Array(pageBytes));
  using program = new CompiledProgram("counters");
  const seconds = 15;
  const runs = [one, one, one, other, other].map((mount) => program.run([seconds, 1, mount.at("file")]).catch(String));

  const { pid } = one.program.child;
  assert.ok(pid !== undefined);
  // The kernel keeps a page locked that it reads; the reader waits for this process, and so does whoever drops the page.
  await until(
    "it stands still while it drops a page that is being read",
    async () => {
      one.program.kill("SIGSTOP");
      await delay(20); // Until all its threads have stopped, or sleep where they cannot be stopped.
      const stopsThere = isStuck(pid);
      if (!stopsThere) one.program.kill("SIGCONT");
      return stopsThere;
    },
    30_000,
  );
  one.program.kill("SIGKILL");
  await within("the mount's process has gone", one.program.end(), 10_000);
  assert.throws(() => readdirSync(one.path), { code: "ENOTCONN" });
  const ends = await within("its programs have ended", Promise.all(runs.slice(0, 3)), 10_000);
  // One that had not come to open the file yet is refused by the kernel.
  for (const end of ends) assert.match(end, /SIGBUS|Software caused connection abort/);
  assert.ok(
    ends.some((end) => end.includes("SIGBUS")),
    "somebody had the file mapped",
  );
  await one.start();
  assert.equal(readFileSync(one.at("file")).length, pageBytes);
  for (const end of await Promise.all(runs.slice(3))) assert.match(end, /^\d+\n$/);
});
