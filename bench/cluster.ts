import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A home in a process of its own, on a folder that lives as long as it. */
export interface Home {
  readonly url: string;
  readonly folder: string;
  /** Resident memory of the process, in MiB. */
  residentMebibytes(): number;
  close(): Promise<void>;
}

export async function openHome(): Promise<Home> {
  const folder = mkdtempSync(join(tmpdir(), "dmmap-bench-"));
  const child = startProgram("./home-program.js", [folder]);
  const [url] = (await firstMessage(child)) as [string];
  return {
    url,
    folder,
    residentMebibytes: () => residentMebibytes(child.pid as number),
    close: async () => {
      await stopProgram(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A program of this folder as a process, spoken to by messages. */
export function startProgram(script: string, args: readonly string[]): ChildProcess {
  return fork(new URL(script, import.meta.url), args);
}

/** Rejects when the program ends instead of saying something. */
export async function firstMessage(child: ChildProcess): Promise<unknown[]> {
  const controller = new AbortController();
  const { signal } = controller;
  const ended = once(child, "exit", { signal }).then(([code, by]) => {
    throw new Error(`a program of the benchmark ended (${by ?? code}) before it answered`);
  });
  try {
    return (await Promise.race([once(child, "message", { signal }), ended])) as unknown[];
  } finally {
    ended.catch(() => undefined); // Aborted: nobody waits for it any more.
    controller.abort();
  }
}

export async function stopProgram(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  const limit = setTimeout(() => child.kill("SIGKILL"), 10_000);
  await ended;
  clearTimeout(limit);
}

export function residentMebibytes(pid: number): number {
  const match = readFileSync(`/proc/${pid}/status`, "utf8").match(/VmRSS:\s+(\d+) kB/);
  if (match === null) throw new Error(`process ${pid} has no resident memory`);
  return Number(match[1]) / 1024;
}
