import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { within } from "./until.js";

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/**
 * A Node program as a child process, followed line by line. Whatever its test does, it is killed in the end:
 * `using node = new Program("dist/test/cluster/writer.js", ["7400"]);`
 */
export class Program {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  readonly lines: string[] = [];
  errors = "";
  readonly #name: string;
  #onChange: () => void = () => undefined;

  /** `prefix`: what runs node. */
  constructor(
    script: string | URL,
    args: readonly string[] = [],
    env: Record<string, string> = {},
    cwd?: string,
    prefix: readonly string[] = [],
  ) {
    const file = script instanceof URL ? script.pathname : script;
    this.#name = file;
    const [command, ...rest] = [...prefix, process.execPath, file, ...args];
    this.child = spawn(command, rest, {
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...process.env, ...env },
      cwd,
    });
    const { stdout, stderr } = this.child;
    if (stdout === null || stderr === null) throw new Error("a child process without pipes");
    createInterface({ input: stdout }).on("line", (line) => {
      this.lines.push(line);
      this.#onChange();
    });
    stderr.setEncoding("utf8").on("data", (text: string) => {
      this.errors += text;
    });
    this.ended = once(this.child, "close").then(([code, signal]) => {
      this.#onChange();
      return { code, signal };
    });
  }

  /** The first line, of those already printed or still to come, that matches. Fails as soon as the program has ended. */
  async line(pattern: RegExp, limitMillis = 20_000): Promise<RegExpMatchArray> {
    let seen = 0;
    const found = new Promise<RegExpMatchArray>((resolve, reject) => {
      const look = () => {
        for (; seen < this.lines.length; seen++) {
          const match = this.lines[seen].match(pattern);
          if (match !== null) return resolve(match);
        }
        const { exitCode, signalCode } = this.child;
        if (exitCode !== null || signalCode !== null) {
          reject(new Error(`${this.#name} ended (${signalCode ?? exitCode}) before ${pattern}:\n${this.#output()}`));
        }
      };
      this.#onChange = look;
      look();
    });
    return await within(`${pattern} from ${this.#name}`, found, limitMillis).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${this.#output()}`, { cause: error });
    });
  }

  say(line: string): void {
    this.child.stdin?.write(`${line}\n`);
  }

  /** Waits for it to end by itself. */
  async end(limitMillis = 20_000): Promise<Ended> {
    return await within(`the end of ${this.#name}`, this.ended, limitMillis);
  }

  kill(signal: NodeJS.Signals = "SIGKILL"): void {
    this.child.kill(signal);
  }

  [Symbol.dispose](): void {
    this.kill();
  }

  #output(): string {
    return `${this.lines.join("\n")}\n${this.errors}`;
  }
}
