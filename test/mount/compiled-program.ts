import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync } from "node:fs";
import { temporaryFolder } from "../support/temporary-folder.js";
import { within } from "../support/until.js";

const sources = new URL("../../../test/mount/programs/", import.meta.url).pathname;

/** A program in C, for what no other language gets at: programs/NAME.c, compiled when it is first wanted. */
export class CompiledProgram implements Disposable {
  readonly #name: string;
  readonly #folder = temporaryFolder();

  constructor(name: string) {
    this.#name = name;
    const flags = ["-O2", "-Wall", "-Wextra", "-Werror", "-pthread"];
    chmodSync(this.#folder.path, 0o755); // Other users run it too.
    execFileSync("gcc", [...flags, "-o", this.#folder.at(name), `${sources}${name}.c`], { stdio: "inherit" });
  }

  get path(): string {
    return this.#folder.at(this.#name);
  }

  /** Runs it to its end. `prefix`: what runs it. It says itself what was wrong: anything but exit code 0 fails the test, with what it printed. */
  async run(
    args: readonly (string | number)[],
    limitMillis = 100_000,
    prefix: readonly string[] = [],
  ): Promise<string> {
    const [command, ...rest] = [...prefix, this.path, ...args.map(String)];
    const child = spawn(command, rest, { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text;
      });
    }
    const ended = once(child, "close") as Promise<[number | null, NodeJS.Signals | null]>;
    const what = `${this.#name} ${args.join(" ")}`;
    try {
      const [code, signal] = await within(what, ended, limitMillis);
      if (code !== 0) throw new Error(`${what}: ${signal ?? code}\n${output}`);
      return output;
    } catch (error) {
      child.kill("SIGKILL");
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#folder[Symbol.dispose]();
  }
}
