import { fork } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  closeSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { SeededRandom } from "../faults/seeded-random.js";

/** ESTALE: what its path led to was removed by another mount, and again when it looked once more. */
const staleErrno = -116;
/** What a local file system answers, too, when others are faster. */
const expected = new Set(["ENOENT", "EEXIST", "ENOTEMPTY", "ENOTDIR", "EISDIR", "EINVAL", "ELOOP", "EPERM", "EBUSY"]);
const names = ["a", "b", "c", "d"];

/** A process that does everything with names, in a few folders that others use too. Ends after so many milliseconds. */
export class CrowdProgram implements AsyncDisposable {
  readonly #child: ReturnType<typeof fork>;
  /** Resolves with what went wrong. */
  readonly ended: Promise<string>;

  constructor(root: string, millis: number, seed: number) {
    this.#child = fork(fileURLToPath(import.meta.url), [root, String(millis), String(seed)]);
    const said: string[] = [];
    this.#child.on("message", (message) => said.push(message as string));
    this.ended = once(this.#child, "exit").then(([code, signal]) => {
      if (code !== 0) said.push(`ended with ${signal ?? code}`);
      return said.join("; ");
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.ended;
  }
}

function run(root: string, millis: number, random: SeededRandom): void {
  const place = () => join(root, random.pick(["x", "y", "x/a"]), random.pick(names));
  const acts: [string, () => void][] = [
    ["create", () => closeSync(openSync(place(), "w"))],
    ["rename", () => renameSync(place(), place())],
    ["unlink", () => unlinkSync(place())],
    ["mkdir", () => mkdirSync(place())],
    ["rmdir", () => rmdirSync(place())],
    ["link", () => linkSync(place(), place())],
    ["symlink", () => symlinkSync("x/a", place())],
    ["chmod", () => chmodSync(place(), 0o700 + random.between(0, 64))],
    ["stat", () => void lstatSync(place())],
    ["stat", () => void lstatSync(place())],
    ["readdir", () => void readdirSync(place())],
  ];
  for (const end = Date.now() + millis; Date.now() < end; ) {
    const [name, act] = random.pick(acts);
    try {
      act();
    } catch (error) {
      const { code, errno } = error as NodeJS.ErrnoException;
      if (errno !== staleErrno && !expected.has(code ?? "")) process.send?.(`${name}: ${(error as Error).message}`);
    }
  }
  process.disconnect?.();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [root, millis, seed] = process.argv.slice(2);
  run(root, Number(millis), new SeededRandom(Number(seed)));
}
