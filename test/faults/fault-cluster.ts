import { readFileSync } from "node:fs";
import type { ConnectOptions, MapOptions, OpenOptions } from "../../src/index.js";
import { type TemporaryFolder, temporaryFolder } from "../support/temporary-folder.js";
import { FaultNode } from "./fault-node.js";
import { type HomeChoice, type HomeStart, HomeUnderTest } from "./home-under-test.js";

export const pageBytes = 4096;

export interface FaultClusterOptions {
  readonly nodes?: number;
  readonly leaseMillis?: number;
  readonly connect?: ConnectOptions;
  readonly home?: Partial<HomeChoice>;
  readonly homeStart?: HomeStart;
}

/** A home and its nodes, each a process of its own, any of which may be killed. */
export class FaultCluster implements AsyncDisposable {
  readonly folder: TemporaryFolder;
  readonly home: HomeUnderTest;
  readonly nodes: FaultNode[] = [];

  static async start(options: FaultClusterOptions = {}): Promise<FaultCluster> {
    const { nodes = 2, leaseMillis = 2000, connect, home = {}, homeStart } = options;
    const folder = temporaryFolder();
    const where = home.store === undefined ? { folder: folder.path } : {};
    const started = await HomeUnderTest.start({ ...where, leaseMillis, ...home }, homeStart);
    const cluster = new FaultCluster(folder, started);
    try {
      for (let count = 0; count < nodes; count++) await cluster.add(connect);
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  private constructor(folder: TemporaryFolder, home: HomeUnderTest) {
    this.folder = folder;
    this.home = home;
  }

  async add(connect: ConnectOptions = {}, url = this.home.url): Promise<FaultNode> {
    const node = await FaultNode.start(`node ${this.nodes.length}`, url, connect);
    this.nodes.push(node);
    return node;
  }

  async mapEverywhere(name: string, open: OpenOptions = {}, map: MapOptions = {}, as = "main"): Promise<void> {
    for (const node of this.nodes) await node.map(name, open, map, as);
  }

  /** What the file holds on the home's disk. */
  onDisk(name: string): Buffer {
    return readFileSync(this.folder.at(name));
  }

  async end(): Promise<void> {
    for (const node of this.nodes) await node.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.nodes.map((node) => node[Symbol.asyncDispose]()));
    await this.home[Symbol.asyncDispose]();
    this.folder[Symbol.dispose]();
  }
}
