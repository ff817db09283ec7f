import { readdirSync, readFileSync } from "node:fs";

/** A line for each process of a group: its name, its state, and where in the kernel it sleeps. For reports of hangs. */
export function whereItWaits(group: number): string {
  const processes = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return processes.flatMap((process) => describe(process, group)).join("\n");
}

function describe(process: string, group: number): string[] {
  const [, name, state, , of] = read(`/proc/${process}/stat`).match(/\((.*)\) (\S) (\d+) (\d+)/) ?? [];
  if (Number(of) !== group) return [];
  return [`${process} ${name} ${state} ${read(`/proc/${process}/wchan`)}\n${read(`/proc/${process}/stack`)}`];
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // It has ended meanwhile, or we may not look.
  }
}
