import { writeSync } from "node:fs";
import { inspect } from "node:util";
import { isMainThread } from "node:worker_threads";
import { exitNow } from "../kernel/libc.js";
import { isAttachedElsewhere } from "./view-buffer.js";

const stops = new Set<() => void>();

/** Runs `stop` when this thread's program exits. @returns what takes that back. */
export function atProcessExit(stop: () => void): () => void {
  if (stops.size === 0) process.on("exit", onExit);
  stops.add(stop);
  return () => {
    stops.delete(stop);
    if (stops.size === 0) process.removeListener("exit", onExit);
  };
}

/**
 * Stops the pagers. Then threads that touch a page sleep for ever, and that is right: they must not run on with zeros.
 * But Node, as it exits, waits for each of its worker threads, and one that sleeps in a fault cannot be told to end. So
 * when views went to other threads, the process ends here, after the program's other exit listeners.
 */
function onExit(code: number): void {
  const listeners = process.listeners("exit");
  for (const stop of stops) stop();
  if (!isMainThread || !isAttachedElsewhere()) return;
  for (const listener of listeners.slice(listeners.indexOf(onExit) + 1)) runQuietly(() => listener.call(process, code));
  exitNow(Number(process.exitCode ?? code));
}

function runQuietly(listener: () => void): void {
  try {
    listener();
  } catch (error) {
    writeSync(2, `${inspect(error)}\n`);
    process.exitCode = 1;
  }
}
