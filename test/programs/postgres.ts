import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../support/temporary-folder.js";
import { until, within } from "../support/until.js";
import { folderOf } from "./packages.js";
import { attempt, killWithChildren, type Outcome } from "./run.js";

/** It refuses to run as root. */
const nobody = { uid: 65_534, gid: 65_534 };
const limitMillis = 90_000;
const settings = ["listen_addresses=", "shared_buffers=8MB", "max_connections=20", "autovacuum_naptime=1s"];

/** Debian's PostgreSQL on one folder, as a host runs it: its socket is local, its data may be anywhere. */
export class Postgres implements AsyncDisposable {
  readonly #data: string;
  readonly #local = temporaryFolder();
  #server: ChildProcess | undefined;
  #log = "";

  constructor(data: string) {
    this.#data = data;
    chownSync(this.#local.path, nobody.uid, nobody.gid);
  }

  /** `initdb`: a new cluster of databases in its folder. */
  async make(): Promise<void> {
    mkdirSync(this.#data);
    chownSync(this.#data, nobody.uid, nobody.gid);
    chmodSync(this.#data, 0o700);
    await this.run("initdb", ["-D", this.#data, "--data-checksums", "--no-locale", "--auth=trust", "--username=bank"]);
  }

  async start(): Promise<void> {
    const options = [...settings, `unix_socket_directories=${this.#local.path}`].flatMap((option) => ["-c", option]);
    const server = spawn(program("postgres"), ["-D", this.#data, ...options], {
      ...nobody,
      cwd: this.#local.path,
      stdio: ["ignore", "ignore", "pipe"],
      detached: true,
    });
    this.#server = server;
    this.#log = "";
    server.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#log += text;
    });
    await until("PostgreSQL serves", () => this.#isReady(server), limitMillis);
  }

  /** Its clean end: everything is in its files. */
  async stop(): Promise<void> {
    const server = this.#server as ChildProcess;
    this.#server = undefined;
    const ended = once(server, "close");
    server.kill("SIGINT");
    const [code] = (await within("PostgreSQL's end", ended, limitMillis)) as [number | null];
    if (code !== 0) throw new Error(`PostgreSQL ended with ${code}: ${this.#log}`);
  }

  /**
   * Ends it as its host's death does: every process of it. Each is a group of its own, and one that waits for a lock
   * whose holder has ended, as all do that must write to a mount that is gone, would wait for ever.
   */
  async kill(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    const said = server?.stderr; // It closes when the last of them has ended.
    if (server === undefined || !said || said.closed) return;
    const ended = once(said, "close");
    await killWithChildren(server);
    await within("every process of PostgreSQL is gone", ended, limitMillis);
  }

  /** Rows of what a query answers, columns separated by `|`. */
  async ask(query: string): Promise<string[]> {
    return (await this.run("psql", ["-XAtq", "--command", query, "postgres"])).trim().split("\n");
  }

  /** One of its programs, as a client of this server. @throws when it fails. */
  async run(name: string, args: readonly string[]): Promise<string> {
    const { code, output, errors } = await this.attempt(name, args);
    if (code !== 0) throw new Error(`${name} ${args.join(" ")} ended with ${code}:\n${output}${errors}${this.#log}`);
    return output;
  }

  async attempt(name: string, args: readonly string[]): Promise<Outcome> {
    const env = { PGHOST: this.#local.path, PGUSER: "bank" };
    return await attempt(program(name), args, { ...nobody, env, cwd: this.#local.path, limitMillis });
  }

  /** How many lines its programs have written to files of this name. */
  lines(name: RegExp): number {
    const files = readdirSync(this.#local.path).filter((file) => name.test(file));
    const texts = files.map((file) => readFileSync(this.#local.at(file), "utf8"));
    return texts.reduce((count, text) => count + text.split("\n").length - 1, 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    this.#local[Symbol.dispose]();
  }

  #isReady(server: ChildProcess): boolean {
    if (server.exitCode !== null || server.signalCode !== null) throw new Error(`PostgreSQL has ended: ${this.#log}`);
    return /database system is ready to accept connections/.test(this.#log);
  }
}

function program(name: string): string {
  return join(folderOf("postgres") ?? "", name);
}
