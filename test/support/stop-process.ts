import { readdir, readFile } from "node:fs/promises";
import { until } from "./until.js";

/**
 * Stops a process until SIGCONT. Its threads run on for a moment after the signal: resolves when every one has stopped, or sleeps in
 * a call that no signal but SIGKILL ends, and stops when that returns: as one of a mount, which asks its kernel for what only the
 * mount itself can answer.
 */
export async function stopProcess(name: string, pid: number | undefined): Promise<void> {
  process.kill(Number(pid), "SIGSTOP");
  const tasks = `/proc/${pid}/task`;
  await until(`every thread of ${name} has stopped`, async () => {
    const stats = (await readdir(tasks)).map(async (task) => await readFile(`${tasks}/${task}/stat`, "utf8"));
    return (await Promise.all(stats)).every((stat) => /\) [TtD] /.test(stat));
  });
}
