import { readdir, readFile } from "node:fs/promises";
import { until } from "./until.js";

/** Stops a process until SIGCONT. Its threads run on for a moment after the signal: resolves when every one has stopped. */
export async function stopProcess(name: string, pid: number | undefined): Promise<void> {
  process.kill(Number(pid), "SIGSTOP");
  const tasks = `/proc/${pid}/task`;
  await until(`every thread of ${name} has stopped`, async () => {
    const stats = (await readdir(tasks)).map(async (task) => await readFile(`${tasks}/${task}/stat`, "utf8"));
    return (await Promise.all(stats)).every((stat) => /\) [Tt] /.test(stat));
  });
}
