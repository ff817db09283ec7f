import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { within } from "../support/until.js";

const script = new URL("../../../test/mount/programs/process.py", import.meta.url).pathname;

interface Answer {
  readonly ok?: unknown;
  /** The name of an errno. */
  readonly error?: string;
}

/** A call that a process makes in a thread of its own, since it may wait. */
export interface Waiting {
  readonly answer: Promise<unknown>;
  isOver: boolean;
}

/** A process on a mount, which does what it is told in Python: see programs/process.py. One call at a time, but for `start`. */
export class MountProcess implements Disposable {
  readonly child: ChildProcess;
  readonly #answers: ((answer: Answer) => void)[] = [];
  readonly #asyncAnswers = new Map<string, (answer: Answer) => void>();
  #lastAsync = 0;
  #errors = "";

  /** `prefix`: what runs it, such as setpriv. */
  static async start(folder: string, prefix: readonly string[] = []): Promise<MountProcess> {
    const process = new MountProcess(folder, prefix);
    await within("a process starts", once(process.child.stdout as NodeJS.ReadableStream, "data"), 30_000);
    return process;
  }

  private constructor(folder: string, prefix: readonly string[]) {
    const [command, ...args] = [...prefix, "python3", script];
    this.child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"], cwd: folder });
    createInterface({ input: this.child.stdout as NodeJS.ReadableStream }).on("line", (line) => this.#onLine(line));
    this.child.on("exit", () => {
      for (const onAnswer of [...this.#answers.splice(0), ...this.#asyncAnswers.values()]) onAnswer({ error: "ended" });
    });
    this.child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#errors += text;
    });
  }

  get isAlive(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** What the expression is worth. Fails with `code` the errno's name. */
  async run(expression: string, limitMillis = 20_000): Promise<unknown> {
    const asked = this.#ask(expression, (onAnswer) => this.#answers.push(onAnswer));
    return await within(expression, asked, limitMillis);
  }

  /** As `run`, of a call that may wait for others. */
  start(expression: string, limitMillis = 60_000): Waiting {
    const number = String(++this.#lastAsync);
    const asked = this.#ask(`async ${number} ${expression}`, (onAnswer) => this.#asyncAnswers.set(number, onAnswer));
    const answer = within(expression, asked, limitMillis);
    const waiting: Waiting = { answer, isOver: false };
    const end = () => {
      waiting.isOver = true;
    };
    answer.then(end, end);
    return waiting;
  }

  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    const ended = once(this.child, "exit");
    this.child.kill(signal);
    await within("a killed process ends", ended, 20_000);
  }

  [Symbol.dispose](): void {
    this.child.kill("SIGKILL");
  }

  async #ask(line: string, expect: (onAnswer: (answer: Answer) => void) => void): Promise<unknown> {
    const answered = new Promise<Answer>(expect);
    this.child.stdin?.write(`${line}\n`);
    const { ok, error } = await answered;
    if (error !== undefined) throw Object.assign(new Error(`${line}: ${error} ${this.#errors}`), { code: error });
    return ok;
  }

  #onLine(line: string): void {
    if (line === "ready") return;
    const [, number, text] = line.match(/^async (\d+) (.*)$/) ?? [];
    if (number === undefined) return this.#answers.shift()?.(JSON.parse(line) as Answer);
    this.#asyncAnswers.get(number)?.(JSON.parse(text) as Answer);
    this.#asyncAnswers.delete(number);
  }
}
