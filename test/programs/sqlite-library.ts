import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { within } from "../support/until.js";
import { answerMillisMax, busyMillis, type Sqlite } from "./sqlite.js";

const program = new URL("./sqlite-library-program.js", import.meta.url);

interface Answer {
  readonly id: number;
  readonly rows?: string[];
  readonly error?: string;
}

/** SQLite as a library in a Node program, which is a process of its own. */
export class SqliteLibrary implements Sqlite {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #idLast = 0;

  static async open(database: string, setup = ""): Promise<SqliteLibrary> {
    const library = new SqliteLibrary(database);
    const started = new Promise((resolve) => library.#waiting.set(0, resolve));
    await within("a program with SQLite starts", started, answerMillisMax);
    if (setup !== "") await library.ask(setup);
    return library;
  }

  private constructor(database: string) {
    this.#child = fork(program, [database, String(busyMillis)], { execArgv: [] });
    this.#child.on("message", (answer: Answer) => {
      this.#waiting.get(answer.id)?.(answer);
      this.#waiting.delete(answer.id);
    });
    this.#child.once("exit", () => {
      for (const [id, onAnswer] of this.#waiting) onAnswer({ id, error: "it has ended" });
    });
  }

  async ask(statements: string): Promise<string[]> {
    const id = ++this.#idLast;
    const answered = new Promise<Answer>((resolve) => this.#waiting.set(id, resolve));
    this.#child.send({ id, statements });
    const { rows, error } = await within(`SQLite's answer to ${statements}`, answered, answerMillisMax);
    if (rows === undefined) throw new Error(`${statements}: ${error}`);
    return rows;
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const isOver = this.#child.exitCode !== null || this.#child.signalCode !== null;
    const ended = isOver ? Promise.resolve() : once(this.#child, "exit");
    this.kill();
    await ended;
  }
}
