import { readdirSync, readFileSync } from "node:fs";

export interface Process {
  readonly pid: number;
  readonly name: string;
  readonly state: string;
  readonly parent: number;
  readonly group: number;
}

/** All that there are now. proc_pid_stat(5). */
export function processes(): Process[] {
  return readdirSync("/proc").flatMap((pid) => {
    const [, name, state, parent, group] =
      readOfProcess(`/proc/${pid}/stat`).match(/^\d+ \((.*)\) (\S) (\d+) (\d+)/s) ?? [];
    if (name === undefined) return [];
    return [{ pid: Number(pid), name, state, parent: Number(parent), group: Number(group) }];
  });
}

/** A file of a process. @returns "" when it has ended meanwhile, or we may not look. */
export function readOfProcess(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
