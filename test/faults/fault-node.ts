import type { ConnectOptions, MapOptions, OpenOptions } from "../../src/index.js";
import { ClusterNode } from "../cluster/cluster-node.js";
import type { commands } from "../cluster/commands.js";
import { stopProcess } from "../support/stop-process.js";
import type { faultCommands } from "./fault-commands.js";

type Table = typeof commands & typeof faultCommands;
type ArgsOf<Name extends keyof Table> = Parameters<Table[Name]>[1] extends undefined
  ? Record<string, never>
  : Parameters<Table[Name]>[1];
type ResultOf<Name extends keyof Table> = Awaited<ReturnType<Table[Name]>>;

/** A node process that is stopped, cut off and killed. */
export class FaultNode implements AsyncDisposable {
  readonly process: ClusterNode;

  /** `netns`: the network namespace that it runs in. */
  static async start(name: string, url: string, connect: ConnectOptions = {}, netns?: string): Promise<FaultNode> {
    const program = new URL("./fault-program.js", import.meta.url);
    const inside = netns === undefined ? {} : { execPath: "ip", execArgv: ["netns", "exec", netns, process.execPath] };
    const node = new FaultNode(await ClusterNode.start(name, { program, ...inside }));
    await node.call("connect", { url, name, ...connect });
    return node;
  }

  private constructor(process: ClusterNode) {
    this.process = process;
  }

  get name(): string {
    return this.process.name;
  }

  /** What it printed on standard error. */
  get errors(): string {
    return this.process.errors;
  }

  async call<Name extends keyof Table>(name: Name, args: ArgsOf<Name>, limitMillis = 30_000): Promise<ResultOf<Name>> {
    return (await this.process.call(name as never, args as never, limitMillis)) as ResultOf<Name>;
  }

  async map(name: string, open: OpenOptions = {}, map: MapOptions = {}, as = "main"): Promise<void> {
    await this.call("open", { name, as, create: true, ...open });
    await this.call("map", { file: as, as, ...map });
  }

  async kill(): Promise<void> {
    this.process.kill("SIGKILL");
    await this.process.end();
  }

  /** Stops every thread of it; resolves when the kernel says that all of them have stopped. */
  async stop(): Promise<void> {
    await stopProcess(this.name, this.process.pid);
  }

  go(): void {
    this.process.kill("SIGCONT");
  }

  async end(limitMillis?: number): Promise<void> {
    await this.call("closeAll", {});
    const { code, signal } = await this.process.end(limitMillis);
    if (code !== 0) throw new Error(`${this.name} ended with ${signal ?? code}: ${this.errors}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.go();
    await this.process[Symbol.asyncDispose]();
  }
}
