import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const dmmap = fileURLToPath(new URL("../../src/cli/main.js", import.meta.url));

/** A mount of the volume in a process of its own, and the programs that use it. */
export class Host {
  readonly name: string;
  readonly #url: string;
  readonly #mountPoint: string;
  readonly #programs = new Set<ChildProcess>();
  #mount: ChildProcess | undefined;

  static async start(name: string, url: string, mountPoint: string): Promise<Host> {
    const host = new Host(name, url, mountPoint);
    await host.restart();
    return host;
  }

  private constructor(name: string, url: string, mountPoint: string) {
    this.name = name;
    this.#url = url;
    this.#mountPoint = mountPoint;
    mkdirSync(mountPoint, { recursive: true });
  }

  /** `dmmap mount` takes away what a dead host has left, and mounts anew. */
  async restart(): Promise<void> {
    const log = `${this.#mountPoint}.log`;
    const options = ["--foreground", "--json", "--name", `host ${this.name}`, "--log", log];
    const mount = spawn(process.execPath, [dmmap, "mount", ...options, this.#url, this.#mountPoint], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#mount = mount;
    const mounted = once(createInterface({ input: mount.stdout }), "line");
    const ended = once(mount, "exit").then(() => Promise.reject(new Error("dmmap mount has failed, see above")));
    ended.catch(() => undefined); // It ends some day.
    await Promise.race([mounted, ended]);
  }

  /** A sqlite3 that stays, on the bank's database. */
  sqlite(): Sqlite {
    const program = spawn("sqlite3", ["-batch", "-bail", join(this.#mountPoint, "bank.db")], {
      stdio: ["pipe", "pipe", "ignore"],
    });
    this.#programs.add(program);
    return new Sqlite(program);
  }

  /** As when its power fails. */
  kill(): void {
    // All at once, as a host does: sqlite3 takes no notice of an unlock that fails, and would say "committed" without its mount.
    for (const program of this.#programs) program.kill("SIGSTOP");
    this.#mount?.kill("SIGKILL");
    for (const program of this.#programs) program.kill("SIGKILL");
  }

  takeAway(): void {
    for (const program of this.#programs) program.kill("SIGKILL");
    this.#mount?.kill("SIGKILL");
    while (spawnSync("umount", ["-l", this.#mountPoint], { stdio: "ignore" }).status === 0);
  }
}

/** Asks sqlite3 by its standard input. Fails when it ends. */
export class Sqlite {
  readonly #program: ChildProcess;
  readonly #asked: { rows: string[]; answer: (rows: string[]) => void; fail: (error: Error) => void }[] = [];
  #ended: Error | undefined;

  constructor(program: ChildProcess) {
    this.#program = program;
    createInterface({ input: program.stdout as NodeJS.ReadableStream }).on("line", (line) => this.#onLine(line));
    program.stdin?.on("error", () => undefined);
    const onEnd = (error: Error) => {
      this.#ended = error;
      for (const { fail } of this.#asked.splice(0)) fail(error);
    };
    program.once("error", onEnd); // There is no sqlite3.
    program.once("close", () => onEnd(new Error("sqlite3 has ended")));
    this.#program.stdin?.write(".timeout 60000\nPRAGMA synchronous=FULL;\n");
  }

  async ask(statements: string): Promise<string[]> {
    if (this.#ended !== undefined) throw this.#ended;
    return await new Promise((answer, fail) => {
      this.#asked.push({ rows: [], answer, fail });
      this.#program.stdin?.write(`${statements}\nSELECT '${end}';\n`);
    });
  }

  async close(): Promise<void> {
    if (this.#ended !== undefined) return;
    const closed = once(this.#program, "close");
    this.#program.stdin?.end();
    await closed;
  }

  #onLine(line: string): void {
    if (line !== end) this.#asked[0]?.rows.push(line);
    else {
      const asked = this.#asked.shift();
      asked?.answer(asked.rows);
    }
  }
}

const end = "-- answered";
