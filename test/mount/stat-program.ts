import { fork } from "node:child_process";
import { once } from "node:events";
import { lstatSync, readdirSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

/** A process that stats paths all the time, so that answers cross with everything else. */
export class StatProgram implements AsyncDisposable {
  readonly #child: ReturnType<typeof fork>;

  constructor(paths: readonly string[]) {
    this.#child = fork(fileURLToPath(import.meta.url), paths);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await ended;
  }
}

function run(paths: readonly string[]): void {
  for (let round = 0; ; round++) {
    for (const path of paths) {
      lstatSync(path, { throwIfNoEntry: false });
      if (round % 64 === 0) readdirSync(dirname(path));
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) run(process.argv.slice(2));
