import { readFileSync } from "node:fs";
import { type Home, startHome } from "../../src/home/index.js";
import type { ConnectOptions, MapOptions, OpenOptions } from "../../src/index.js";
import { type TemporaryFolder, temporaryFolder } from "../support/temporary-folder.js";
import { ClusterNode } from "./cluster-node.js";

export const pageBytes = 4096;
export const policies = ["optimal", "simple"] as const;

export interface ClusterOptions {
  readonly nodes?: number;
  readonly leaseMillis?: number;
  readonly connect?: ConnectOptions | undefined;
}

/** A home in this process, on a folder of its own, and nodes as processes. All of it is gone at the end of the test. */
export class Cluster implements AsyncDisposable {
  readonly folder: TemporaryFolder;
  readonly home: Home;
  readonly nodes: ClusterNode[] = [];
  /** Who was fenced, and why. */
  readonly fenced: string[] = [];
  #nodesStarted = 0;

  static async start({ nodes = 2, leaseMillis = 10_000, connect }: ClusterOptions = {}): Promise<Cluster> {
    const folder = temporaryFolder();
    const home = await startHome({ folder: folder.path, listen: "127.0.0.1:0", leaseMillis });
    const cluster = new Cluster(folder, home);
    try {
      await Promise.all(Array.from({ length: nodes }, () => cluster.add(connect ?? {})));
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  private constructor(folder: TemporaryFolder, home: Home) {
    this.folder = folder;
    this.home = home;
    home.on("fenced", ({ name, reason }) => this.fenced.push(`${name}: ${reason}`));
  }

  /** One more node, connected. */
  async add(connect: ConnectOptions = {}): Promise<ClusterNode> {
    const index = this.#nodesStarted++;
    const node = await ClusterNode.start(`node ${index}`);
    this.nodes[index] = node;
    await node.call("connect", { url: this.home.url, name: node.name, ...connect });
    return node;
  }

  /** The same file, open and mapped on every node. The first one makes it. */
  async mapEverywhere(name: string, open: OpenOptions = {}, map: MapOptions = {}, as = "main"): Promise<void> {
    for (const node of this.nodes) {
      await node.call("open", { name, as, create: true, ...open });
      await node.call("map", { file: as, as, ...map });
    }
  }

  /** What the file holds on the home's disk. */
  onDisk(name: string): Buffer {
    return readFileSync(this.folder.at(name));
  }

  /** Every node closes what it has and ends by itself. */
  async end(): Promise<void> {
    for (const node of this.nodes) {
      await node.call("closeAll", {});
      const { code, signal } = await node.end();
      if (code !== 0) throw new Error(`${node.name} ended with ${signal ?? code}: ${node.errors}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.nodes.map((node) => node[Symbol.asyncDispose]()));
    await this.home.close();
    this.folder[Symbol.dispose]();
  }
}
