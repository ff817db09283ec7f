import { type ChildProcess, type ForkOptions, fork } from "node:child_process";
import { once } from "node:events";
import type { Ended } from "../support/program.js";
import { within } from "../support/until.js";
import type { Args, Commands, Result } from "./commands.js";

export const commandMillisMax = 30_000;

interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: { readonly name: string; readonly message: string; readonly stack: string; readonly code?: string };
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** A node program as a child process, told what to do and asked what it saw. Killed at the end of its test. */
export class ClusterNode implements AsyncDisposable {
  readonly name: string;
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** What it printed on standard error. */
  errors = "";
  readonly #waiting = new Map<number, Waiting>();
  #idLast = 0;

  /** `how`: another program that answers in the same way, or another way to run it (in a network namespace, say). */
  static async start(name: string, how: ForkOptions & { program?: URL } = {}): Promise<ClusterNode> {
    const node = new ClusterNode(name, how);
    await within(
      `the start of ${name}`,
      new Promise((resolve, reject) => node.#waiting.set(0, { resolve, reject })),
      commandMillisMax,
    );
    return node;
  }

  private constructor(name: string, { program, ...how }: ForkOptions & { program?: URL }) {
    this.name = name;
    this.child = fork(program ?? new URL("./node-program.js", import.meta.url), [], {
      serialization: "advanced",
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      execArgv: [],
      ...how,
    });
    this.child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.errors += text;
    });
    this.child.on("message", (answer) => this.#onAnswer(answer as Answer));
    this.child.on("error", (error) => this.#failAll(error));
    this.ended = once(this.child, "close").then(([code, signal]) => {
      this.#failAll(new Error(`${name} ended (${signal ?? code}) before it answered`));
      return { code, signal };
    });
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  /** Tells the node to do something and waits for what comes of it. */
  async call<Name extends keyof Commands>(
    name: Name,
    args: Args<Name>,
    limitMillis = commandMillisMax,
  ): Promise<Result<Name>> {
    const id = ++this.#idLast;
    const answer = new Promise<unknown>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.child.send({ id, name, args }, (error) => {
        if (error !== null) reject(error);
      });
    });
    try {
      return (await within(`${name} on ${this.name}`, answer, limitMillis)) as Result<Name>;
    } catch (error) {
      if (error instanceof Error && this.errors !== "") error.message += `\n${this.name} printed:\n${this.errors}`;
      throw error;
    } finally {
      this.#waiting.delete(id);
    }
  }

  kill(signal: NodeJS.Signals = "SIGKILL"): void {
    this.child.kill(signal);
  }

  /** Waits until it has ended by itself. */
  async end(limitMillis = 10_000): Promise<Ended> {
    return await within(`the end of ${this.name}, which printed "${this.errors}"`, this.ended, limitMillis);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill("SIGKILL");
    await within(`the kill of ${this.name}`, this.ended);
  }

  #onAnswer({ id, value, error }: Answer): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) return waiting?.resolve(value);
    const failed = new Error(`${this.name}: ${error.message}`);
    Object.assign(failed, { name: error.name, code: error.code, stack: `${this.name}: ${error.stack}` });
    waiting?.reject(failed);
  }

  #failAll(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
