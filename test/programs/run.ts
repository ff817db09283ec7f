import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { until } from "../support/until.js";
import { processes } from "./processes.js";
import { whereItWaits } from "./where-it-waits.js";

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Record<string, string>;
  /** What it reads from standard input. */
  readonly input?: string;
  readonly uid?: number;
  readonly gid?: number;
  /** A program that takes longer hangs: it is asked where, and killed. */
  readonly limitMillis?: number;
}

export interface Outcome {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

/** Runs a program to its end. @returns what it printed. @throws when it ends with anything but 0. */
export async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { code, output, errors } = await attempt(command, args, options);
  if (code !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${code}:\n${output}${errors}`);
  return output;
}

/** Runs a program to its end, which may be a failure. Only one that hangs is an error. */
export async function attempt(command: string, args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const { input, limitMillis = 60_000, env = {}, ...rest } = options;
  const child = spawn(command, args, { ...rest, env: { ...process.env, ...env }, detached: true });
  let [output, errors, hang] = ["", "", ""];
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  child.stdin?.on("error", () => undefined); // It may end without having read everything.
  child.stdin?.end(input);
  const limit = setTimeout(() => {
    hang = `after ${limitMillis} ms it is still there:\n${whereItWaits(child.pid ?? 0)}`;
    killGroup(child);
  }, limitMillis);
  const [code] = (await once(child, "close").finally(() => clearTimeout(limit))) as [number | null];
  if (hang !== "") throw new Error(`${command} ${args.join(" ")}: ${hang}\n${output}${errors}`);
  return { code, output, errors };
}

/** It, and what it has started that is of its group. */
export function killGroup(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  process.kill(-child.pid, "SIGKILL");
}

/** It, and what it has started, of whatever group that is. */
export async function killWithChildren(parent: ChildProcess): Promise<void> {
  parent.kill("SIGSTOP");
  // Until then it may start one more, or be told that one has ended, whose number is free then.
  const runs = () => processes().some(({ pid, state }) => pid === parent.pid && !/[TZ]/.test(state));
  await until("it has stopped", () => !runs());
  for (const child of processes().filter((process) => process.parent === parent.pid))
    process.kill(child.pid, "SIGKILL");
  parent.kill("SIGKILL");
}
