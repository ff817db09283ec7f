import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { DmmapError } from "../core/error.js";

/** Small texts that a home keeps beside its files: each replaced as a whole, and durable when `write` returns. */
export class NotesFolder {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  read(name: string): string | undefined {
    try {
      return readFileSync(this.#file(name), "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw noteError(name, error);
    }
  }

  /** An empty text removes the note. */
  write(name: string, text: string): void {
    const path = this.#file(name);
    try {
      if (text === "") return rmSync(path, { force: true });
      mkdirSync(dirname(path), { recursive: true });
      const file = openSync(`${path}.new`, "w", 0o600);
      writeSync(file, text);
      fsyncSync(file);
      closeSync(file);
      renameSync(`${path}.new`, path);
      const folder = openSync(dirname(path), "r");
      fsyncSync(folder);
      closeSync(folder);
    } catch (error) {
      throw noteError(name, error);
    }
  }

  #file(name: string): string {
    return join(this.#path, `${name.replaceAll(":", "-")}.json`);
  }
}

function noteError(name: string, cause: unknown): DmmapError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const isFull = (cause as NodeJS.ErrnoException).code === "ENOSPC";
  return new DmmapError(isFull ? "DMMAP_NO_SPACE" : "DMMAP_IO", `the home cannot keep its note "${name}": ${reason}`, {
    cause,
  });
}
