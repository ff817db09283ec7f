import { ClusterNode } from "../cluster/cluster-node.js";
import { MountUnderTest } from "../mount/mount-under-test.js";
import { stopProcess } from "../support/stop-process.js";
import { FaultNode } from "./fault-node.js";
import type { RecordArgs } from "./history-recorder.js";

export interface HistoryFile {
  readonly name: string;
  readonly size: number;
  readonly policy: "optimal" | "simple";
}

/** A program that takes part in a history, and what may be done to what serves it. */
export interface HistoryMember extends AsyncDisposable {
  readonly name: string;
  /** What it, or its mount, has said on standard error. */
  readonly errors: string;
  record(args: RecordArgs): Promise<unknown>;
  /** Resolves when every thread of it has stopped. */
  stop(): Promise<void>;
  go(): void;
  kill(): Promise<void>;
}

/** Where it runs, and how it comes to its home. */
export interface MemberPlace {
  readonly url: string;
  readonly netns?: string;
}

/** More than the time for which it is to work: only a hang takes so long. */
const hangMillis = 60_000;

/** A program that maps the file by the library: the program and the node are one process. */
export class LibraryMember implements HistoryMember {
  readonly #node: FaultNode;

  static async start(name: string, { url, netns }: MemberPlace, file: HistoryFile): Promise<LibraryMember> {
    const node = await FaultNode.start(name, url, {}, netns);
    await node.map(file.name, { size: file.size, policy: file.policy });
    return new LibraryMember(node);
  }

  private constructor(node: FaultNode) {
    this.#node = node;
  }

  get name(): string {
    return this.#node.name;
  }

  get errors(): string {
    return this.#node.errors;
  }

  async record(args: RecordArgs): Promise<unknown> {
    return await this.#node.call("recordHistory", args, args.millis + hangMillis);
  }

  async stop(): Promise<void> {
    await this.#node.stop();
  }

  go(): void {
    this.#node.go();
  }

  async kill(): Promise<void> {
    await this.#node.kill();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#node[Symbol.asyncDispose]();
  }
}

/** A program that uses the file through a mount. It is the mount's process that is stopped: the program, and its kernel, go on. */
export class MountMember implements HistoryMember {
  readonly #mount: MountUnderTest;
  readonly #program: ClusterNode;
  readonly #file: HistoryFile;

  /** The file is there already. */
  static async start(name: string, { url, netns }: MemberPlace, file: HistoryFile): Promise<MountMember> {
    // Not `ip netns exec`: that has mounts of its own, which nobody else would see.
    const prefix = netns === undefined ? [] : ["nsenter", `--net=/run/netns/${netns}`];
    const mount = await MountUnderTest.start(url, ["--name", name], { prefix });
    mount.isQuiet = false; // Of losses it tells there.
    return new MountMember(mount, await ClusterNode.start(name, { program: programUrl }), file);
  }

  private constructor(mount: MountUnderTest, program: ClusterNode, file: HistoryFile) {
    this.#mount = mount;
    this.#program = program;
    this.#file = file;
  }

  get name(): string {
    return this.#program.name;
  }

  get errors(): string {
    return this.#program.errors + this.#mount.program.errors;
  }

  async record(args: RecordArgs): Promise<unknown> {
    const what = { ...args, path: this.#mount.at(this.#file.name), byteLength: this.#file.size };
    return await this.#program.call("record" as never, what as never, args.millis + hangMillis);
  }

  async stop(): Promise<void> {
    await stopProcess(this.name, this.#mount.program.child.pid);
  }

  go(): void {
    this.#mount.program.kill("SIGCONT");
  }

  /** The host dies: the program first, which its kernel would still show what it has. */
  async kill(): Promise<void> {
    this.#program.kill();
    await this.#mount.kill();
    await this.#program.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.go();
    this.#program.kill();
    await this.#mount[Symbol.asyncDispose]();
    await this.#program[Symbol.asyncDispose]();
  }
}

const programUrl = new URL("./history-program.js", import.meta.url);
