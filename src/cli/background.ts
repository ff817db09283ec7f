import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { exitFailed } from "./failure.js";

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
const script = fileURLToPath(new URL("./main.js", import.meta.url));

/**
 * Runs a command of dmmap as a process of its own, in a session of its own, which outlives this one. Until it says a line,
 * it is at work: its errors go where this one's do, and a signal to this one reaches it.
 *
 * @returns that line, or the exit code when it ended without one
 */
export async function startInBackground(args: readonly string[]): Promise<string | number> {
  const child = spawn(process.execPath, [...process.execArgv, script, ...args], {
    detached: true,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const passOn = (signal: NodeJS.Signals) => child.kill(signal);
  for (const signal of signals) process.on(signal, passOn);
  const lines = createInterface({ input: child.stdout });
  const outcome = await Promise.race([once(lines, "line"), once(child, "close")]);
  for (const signal of signals) process.off(signal, passOn);
  child.stdout.destroy();
  child.unref();
  const [first] = outcome as [string | number | null];
  return first ?? exitFailed;
}
