import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { stopProcess } from "../support/stop-process.js";
import { within } from "../support/until.js";
import { killGroup } from "./run.js";
import { answerMillisMax, busyMillis, type Sqlite } from "./sqlite.js";

interface Question {
  readonly rows: string[];
  readonly answer: (rows: string[]) => void;
  readonly fail: (error: Error) => void;
}

/** Debian's sqlite3 on one database, as a process that stays, is asked by a pipe, and may be killed. */
export class SqliteShell implements Sqlite {
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;
  readonly #questions: Question[] = [];
  #errors = "";
  #ended: Error | undefined;

  static async open(database: string, setup = ""): Promise<SqliteShell> {
    const shell = new SqliteShell(database);
    await shell.ask(`.log stderr\n.timeout ${busyMillis}\n${setup}`);
    return shell;
  }

  private constructor(database: string) {
    // A line is to be seen when it is printed, also in a pipe; and nothing is to be done after an error.
    this.#child = spawn("stdbuf", ["-oL", "/usr/bin/sqlite3", "-batch", "-bail", database], { detached: true });
    const { stdout, stderr, stdin } = this.#child;
    if (stdout === null || stderr === null) throw new Error("a child process without pipes");
    createInterface({ input: stdout }).on("line", (line) => this.#onLine(line));
    stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#errors += text;
    });
    stdin?.on("error", () => undefined); // It was killed: the end of the process tells.
    this.#closed = once(this.#child, "close").then(() => this.#onEnd());
  }

  async ask(statements: string): Promise<string[]> {
    if (this.#ended !== undefined) throw this.#ended;
    const answer = new Promise<string[]>((resolve, reject) => {
      this.#questions.push({ rows: [], answer: resolve, fail: reject });
    });
    this.#child.stdin?.write(`${statements}\n.print ${end}\n`);
    return await within(`sqlite3's answer to ${statements}`, answer, answerMillisMax);
  }

  kill(): void {
    killGroup(this.#child);
  }

  /**
   * Has it do nothing any more, so that its host can die as a whole, mount and all, which takes more than one signal:
   *
   * 1. It is about to unlock what its transaction has written. 2. The mount is killed: the unlock fails, and nothing is handed over.
   * 3. sqlite3 goes by no such error. It says that the transaction is committed, and only then is killed.
   */
  async freeze(): Promise<void> {
    await stopProcess("sqlite3", this.#child.pid);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill();
    await this.#closed;
  }

  #onLine(line: string): void {
    if (line !== end) this.#questions[0]?.rows.push(line);
    else {
      const question = this.#questions.shift();
      question?.answer(question.rows);
    }
  }

  #onEnd(): void {
    this.#ended = new Error(`sqlite3 has ended: ${this.#errors}`);
    for (const question of this.#questions.splice(0)) question.fail(this.#ended);
  }
}

const end = "-- answered";
