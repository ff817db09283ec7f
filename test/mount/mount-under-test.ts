import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { dmmapScript } from "../cli/dmmap.js";
import { Program } from "../support/program.js";
import { type TemporaryFolder, temporaryFolder } from "../support/temporary-folder.js";

/** A loaded machine may keep any request waiting for so long that the mount says so: that alone is no failure. */
const waits = /^dmmap: .*(has waited for |goes on after |: the home has taken all)/;
const waitMillisLong = 30_000;

export interface MountStart {
  /** What runs node. */
  readonly prefix?: readonly string[];
  readonly env?: Record<string, string>;
  /** Whose the mount point is. */
  readonly owner?: number;
}

/** `dmmap mount` as a process of its own, which may be killed, stopped and started again on the same folder. */
export class MountUnderTest implements AsyncDisposable {
  /** The mount point. */
  readonly path: string;
  /** Whether standard error has to stay empty, but for reports of waiting. Set it to false where errors are to come. */
  isQuiet = true;
  readonly #folder: TemporaryFolder;
  readonly #url: string;
  readonly #options: readonly string[];
  readonly #how: MountStart;
  #program: Program | undefined;
  #startedMillis = 0;

  static async start(url: string, options: readonly string[] = [], how: MountStart = {}): Promise<MountUnderTest> {
    const mount = new MountUnderTest(url, options, how);
    try {
      await mount.start();
      return mount;
    } catch (error) {
      mount.#takeAway();
      throw error;
    }
  }

  private constructor(url: string, options: readonly string[], how: MountStart) {
    this.#folder = temporaryFolder();
    this.path = this.#folder.at("mount");
    mkdirSync(this.path);
    chmodSync(this.#folder.path, 0o755); // Others than root may come to the mount point.
    this.#url = url;
    this.#options = options;
    this.#how = how;
    if (how.owner !== undefined) chownSync(this.path, how.owner, how.owner);
  }

  /** The process that serves it. */
  get program(): Program {
    if (this.#program === undefined) throw new Error("the mount has not been started");
    return this.#program;
  }

  /** What it said on standard error, reports of waiting left out. */
  get errors(): string {
    const lines = this.program.errors.split("\n");
    return lines.filter((line) => !waits.test(line)).join("\n");
  }

  at(...names: string[]): string {
    return join(this.path, ...names);
  }

  async start(): Promise<void> {
    const args = ["mount", "--foreground", this.#url, this.path, "--json", ...this.#options];
    this.#program = new Program(dmmapScript, args, this.#how.env, undefined, this.#how.prefix);
    await this.#program.line(/^\{.*\}$/);
    this.#startedMillis = performance.now();
  }

  /** Ends its process as a crash does. The mount point stays, dead. */
  async kill(): Promise<void> {
    this.program.kill("SIGKILL");
    await this.program.end();
  }

  /** Writes everything back and ends, as for SIGTERM. */
  async unmount(): Promise<void> {
    this.program.kill("SIGTERM");
    const { code, signal } = await this.program.end();
    if (code !== 0) throw new Error(`the mount ended with ${signal ?? code}: ${this.program.errors}`);
  }

  /** Takes the mount away from under whoever uses it, so that nobody hangs. */
  async [Symbol.asyncDispose](): Promise<void> {
    const errors = this.isQuiet ? this.errors : "";
    // A test that has come to no end in time: here is why.
    const isLong = performance.now() - this.#startedMillis > waitMillisLong;
    if (isLong) process.stderr.write(this.#program?.errors ?? "");
    this.#takeAway();
    await this.#program?.ended;
    this.#folder[Symbol.dispose]();
    if (errors !== "") throw new Error(`the mount printed: ${errors}`);
  }

  #takeAway(): void {
    this.#program?.kill();
    while (spawnSync("umount", ["-l", this.path]).status === 0);
  }
}
