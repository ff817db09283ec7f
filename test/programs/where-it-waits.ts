import { processes, readOfProcess } from "./processes.js";

/** A line for each process of a group: its name, its state, and where in the kernel it sleeps. For reports of hangs. */
export function whereItWaits(group: number): string {
  const waiting = processes().filter((process) => process.group === group);
  return waiting.map(({ pid, name, state }) => `${pid} ${name} ${state} ${place(pid)}`).join("\n");
}

function place(pid: number): string {
  return `${readOfProcess(`/proc/${pid}/wchan`)}\n${readOfProcess(`/proc/${pid}/stack`)}`;
}
