import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { FrameType } from "../../src/core/wire/frame.js";
import type { FencedEvent, HomeOptions, HomeStatus } from "../../src/home/index.js";
import type { FileTokensStatus } from "../../src/observe/status.js";
import { RawNode } from "../home/raw-node.js";
import { stopProcess } from "../support/stop-process.js";
import { until, within } from "../support/until.js";

const script = new URL("./home-process.js", import.meta.url).pathname;

export type HomeChoice = Omit<HomeOptions, "store" | "listen"> & {
  /** URL of a module that makes the store. */
  readonly store?: string;
  readonly host?: string;
};

export interface HomeStart {
  readonly env?: Record<string, string>;
  /** What runs node: `ip netns exec …`, `prlimit …`. */
  readonly prefix?: readonly string[];
}

interface Said {
  readonly event: string;
  readonly value: unknown;
}

/** A home that is killed and started again, on the same port and the same files. */
export class HomeUnderTest implements AsyncDisposable {
  port = 0;
  readonly fenced: FencedEvent[] = [];
  readonly warnings: string[] = [];
  onFenced: (event: FencedEvent) => void = () => undefined;
  /** What all its lives said on standard error. */
  errors = "";
  readonly #options: HomeChoice;
  readonly #how: HomeStart;
  #child: ChildProcess | undefined;
  #ended: Promise<unknown> = Promise.resolve();

  static async start(options: HomeChoice, how: HomeStart = {}): Promise<HomeUnderTest> {
    const home = new HomeUnderTest(options, how);
    await home.start();
    return home;
  }

  private constructor(options: HomeChoice, how: HomeStart) {
    this.#options = options;
    this.#how = how;
  }

  get url(): string {
    return `dmmap://${this.#host}:${this.port}`;
  }

  get #host(): string {
    return this.#options.host ?? "127.0.0.1";
  }

  async start(): Promise<void> {
    const { host: _host, ...options } = this.#options;
    const argument = JSON.stringify({ ...options, listen: `${this.#host}:${this.port}` });
    const [command, ...args] = [...(this.#how.prefix ?? []), process.execPath, script, argument];
    const child = spawn(command, args, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...this.#how.env },
    });
    this.#child = child;
    this.#ended = once(child, "close");
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.errors += text;
    });
    const serving = new Promise<string>((resolve, reject) => {
      const onLine = (line: string) => {
        const { event, value } = JSON.parse(line) as Said;
        if (event === "serving") resolve(value as string);
        else this.#hear(event, value);
      };
      createInterface({ input: child.stdout }).on("line", onLine);
      child.once("close", () => reject(new Error(`the home ended at its start: ${this.errors}`)));
    });
    this.port = Number(new URL(await within("the home serves", serving)).port);
  }

  /** Ends it as a crash of its process does: what it had taken is in the hands of the operating system. */
  async kill(): Promise<void> {
    this.signal("SIGKILL");
    await within("the end of the home", this.#ended);
  }

  async restart(): Promise<void> {
    await this.kill();
    await this.start();
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** Stops it, until SIGCONT. */
  async stop(): Promise<void> {
    await stopProcess("the home", this.#child?.pid);
  }

  get isAlive(): boolean {
    return this.#child?.exitCode === null && this.#child.signalCode === null;
  }

  async status(): Promise<HomeStatus> {
    return (await this.#ask("status", {})) as HomeStatus;
  }

  async tokens(name: string): Promise<FileTokensStatus> {
    return (await this.#ask("tokens", { name })) as FileTokensStatus;
  }

  async untilFenced(name: string, limitMillis = 20_000): Promise<FencedEvent> {
    const found = () => this.fenced.find((event) => event.name === name);
    await until(`${name} is fenced`, () => found() !== undefined, limitMillis);
    return found() as FencedEvent;
  }

  /** A home that has found a bug of its own says so and ends: no test may overlook that. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    if (this.errors !== "") throw new Error(`the home printed: ${this.errors}`);
  }

  async #ask(op: "status" | "tokens", args: object): Promise<object> {
    const { node } = await RawNode.greet(this.port, "observer", undefined, this.#host);
    const answer = await node.request(op, args);
    node.send({ type: FrameType.goodbye });
    await node.closed();
    node.socket.destroy();
    return answer;
  }

  #hear(event: string, value: unknown): void {
    if (event === "fenced") {
      this.fenced.push(value as FencedEvent);
      this.onFenced(value as FencedEvent);
    }
    if (event === "warning") this.warnings.push(value as string);
  }
}
