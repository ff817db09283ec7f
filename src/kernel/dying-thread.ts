import { readFileSync } from "node:fs";

const killMask = maskOf(9);
/** CHLD, CONT, STOP, TSTP, TTIN, TTOU, URG, WINCH: they end nobody who does not care for them. */
const harmlessMask = maskOf(17, 18, 19, 20, 21, 22, 23, 28);

/**
 * Whether a thread will end as soon as it leaves its system call: its process has had a signal that ends it.
 *
 * 1. A signal that ends a process is made a SIGKILL for each of its threads. 2. Unless one that it handles came before and
 * waits still: then the second one waits behind it.
 *
 * @returns undefined when that cannot be known: the thread is of another pid namespace
 */
export function isDying(thread: number): boolean | undefined {
  if (thread === 0) return undefined;
  try {
    // Not cmdline or maps: these wait for a thread of the process that is in a page fault.
    return endsBy(readFileSync(`/proc/${thread}/status`, "latin1"));
  } catch (error) {
    return (error as { code?: string }).code === "EACCES" ? undefined : true; // It has gone.
  }
}

/** `status`: as /proc/PID/status has it. */
export function endsBy(status: string): boolean {
  const pending = maskIn(status, "SigPnd") | maskIn(status, "ShdPnd");
  const survived = maskIn(status, "SigBlk") | maskIn(status, "SigIgn") | maskIn(status, "SigCgt") | harmlessMask;
  return (pending & (killMask | ~survived)) !== 0;
}

/** Signals 1 to 32 of a mask; the real-time ones behind them end nobody in practice. */
function maskIn(status: string, name: string): number {
  const hex = new RegExp(`^${name}:\\s*([0-9a-f]{16})$`, "m").exec(status)?.[1] ?? "0";
  return Number.parseInt(hex.slice(-8), 16) | 0;
}

function maskOf(...signals: number[]): number {
  return signals.reduce((mask, signal) => mask | (1 << (signal - 1)), 0);
}
