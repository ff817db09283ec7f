import { readFileSync } from "node:fs";

/** lseek, as the system calls of each architecture are numbered. */
const seekNumber = process.arch === "arm64" ? "62" : "8";
/** It has sent its request, and is just about to sleep. */
const triesMax = 20;

/** Whether a thread that waits in a system call does so in lseek(2). @returns undefined when that cannot be known. */
export function isSeeking(thread: number): boolean | undefined {
  if (thread === 0) return undefined; // Of another pid namespace.
  for (let tries = 0; tries < triesMax; tries++) {
    const number = systemCallOf(thread);
    if (number !== "running") return number === undefined ? undefined : number === seekNumber;
  }
  return undefined;
}

function systemCallOf(thread: number): string | undefined {
  try {
    return readFileSync(`/proc/${thread}/syscall`, "latin1").split(/\s/, 1)[0];
  } catch {
    return undefined; // It has gone, or is not ours to look at.
  }
}
