import type { ForkOptions } from "node:child_process";
import { ClusterNode } from "../cluster/cluster-node.js";
import type { Ended } from "../support/program.js";
import type { plainCommands } from "./plain-program.js";

type Table = typeof plainCommands;

/** A program that uses files of a mount, as a process of its own: it may have to wait, and be killed while it does. */
export class PlainUser implements AsyncDisposable {
  readonly process: ClusterNode;

  static async start(name = "the program", how: ForkOptions = {}): Promise<PlainUser> {
    const program = new URL("./plain-program.js", import.meta.url);
    return new PlainUser(await ClusterNode.start(name, { program, ...how }));
  }

  private constructor(process: ClusterNode) {
    this.process = process;
  }

  /** Fails with what the system call failed with (`code`). */
  async call<Name extends keyof Table>(
    name: Name,
    args: Parameters<Table[Name]>[0],
    limitMillis = 60_000,
  ): Promise<ReturnType<Table[Name]>> {
    return (await this.process.call(name as never, args as never, limitMillis)) as ReturnType<Table[Name]>;
  }

  /** Ends it by a signal; it must not go on waiting for whatever it waits for. */
  async interrupt(signal: NodeJS.Signals): Promise<Ended> {
    this.process.kill(signal);
    return await this.process.end(20_000);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]();
  }
}
