import { setTimeout as delay } from "node:timers/promises";
import { type TemporaryFolder, temporaryFolder } from "../support/temporary-folder.js";
import { check, type Faults } from "./checker.js";
import { FaultCluster, pageBytes } from "./fault-cluster.js";
import type { FaultNode } from "./fault-node.js";
import { type History, joined, readHistory } from "./history.js";
import { micros } from "./history-recorder.js";
import { Proxy } from "./proxy.js";
import { SeededRandom } from "./seeded-random.js";

export interface RunOptions {
  readonly seed: number;
  readonly millis: number;
  readonly policy?: "optimal" | "simple";
}

export interface RunResult {
  readonly problems: readonly string[];
  readonly accesses: number;
  readonly faults: string;
}

const leaseMillis = 1500;
const pages = 6;
/** For how long after it runs again a node that was stopped beyond its lease may be blind; see stopped-node.test.ts. */
const blindMillis = 1000;
const acts = ["killHome", "killHome", "cut", "stopShort", "stopLong", "killNode"] as const;

/** Programs that record what they read and write, on one cluster, under faults drawn from a seed; and the checker's verdict. */
export async function runHistory({ seed, millis, policy = "optimal" }: RunOptions): Promise<RunResult> {
  const random = new SeededRandom(seed);
  await using cluster = await FaultCluster.start({ nodes: 0, leaseMillis });
  await using proxy = await Proxy.start(() => cluster.home.port);
  using logs = temporaryFolder();
  const run = new Run(cluster, proxy, random, policy, logs);
  for (let count = 0; count < 4; count++) await run.addNode();
  const end = performance.now() + millis;
  run.end = end;
  for (const node of cluster.nodes) run.record(node);
  while (performance.now() < end) {
    await delay(random.between(100, 700));
    if (performance.now() < end) await run.fault(random.pick(acts));
  }
  return await run.finish();
}

class Run {
  end = 0;
  readonly #cluster: FaultCluster;
  readonly #proxy: Proxy;
  readonly #random: SeededRandom;
  readonly #policy: "optimal" | "simple";
  readonly #logs: TemporaryFolder;
  readonly #working = new Map<FaultNode, Promise<unknown>>();
  readonly #fenced: { process: number; at: number }[] = [];
  readonly #blind: { process: number; from: number; until: number }[] = [];
  readonly #done: Record<string, number> = {};

  constructor(
    cluster: FaultCluster,
    proxy: Proxy,
    random: SeededRandom,
    policy: "optimal" | "simple",
    logs: TemporaryFolder,
  ) {
    this.#cluster = cluster;
    this.#proxy = proxy;
    this.#random = random;
    this.#policy = policy;
    this.#logs = logs;
  }

  async addNode(): Promise<FaultNode> {
    // Every second one comes over the connection that is cut.
    const url = this.#cluster.nodes.length % 2 === 0 ? this.#cluster.home.url : this.#proxy.url;
    const node = await this.#cluster.add({}, url);
    await node.map("history.bin", { size: pages * pageBytes, policy: this.#policy });
    return node;
  }

  record(node: FaultNode): void {
    const rank = this.#rank(node);
    const args = {
      log: this.#log(rank),
      rank,
      // Words that share pages, and words that have one for themselves.
      at: [0, 64, pageBytes, pageBytes + 2048, 2 * pageBytes, 3 * pageBytes + 8, 4 * pageBytes],
      millis: Math.max(0, this.end - performance.now()),
      seed: this.#random.between(0, 2 ** 31),
      writes: this.#random.pick([5, 30, 60]),
      syncEvery: this.#random.pick([0, 300]),
    };
    this.#working.set(
      node,
      node.call("recordHistory", args, args.millis + 60_000).catch((error: unknown) => error),
    );
  }

  async fault(act: (typeof acts)[number]): Promise<void> {
    this.#done[act] = (this.#done[act] ?? 0) + 1;
    const node = this.#random.pick([...this.#working.keys()]);
    if (act === "killHome") await this.#cluster.home.restart();
    else if (act === "cut") this.#proxy.cut();
    else if (act === "stopShort") await this.#stop(node, this.#random.between(10, leaseMillis * 0.5));
    else if (act === "stopLong") await this.#stopBeyondLease(node);
    else await this.#killNode(node);
  }

  async finish(): Promise<RunResult> {
    for (const [node, work] of this.#working) {
      const failed = await work;
      if (failed instanceof Error) throw new Error(`${node.name}: ${failed.message}`);
    }
    const histories: History[] = this.#cluster.nodes.map((_, index) => readHistory(this.#log(index + 1), index + 1));
    const history = joined(histories);
    const faults: Faults = { fenced: this.#fenced, blind: this.#blind };
    const done = Object.entries(this.#done).map(([act, count]) => `${act} ${count}`);
    return { problems: check(history, faults), accesses: history.accesses.length, faults: done.join(", ") };
  }

  /** Whoever is stopped for less than the lease goes on; but a machine that is busy may make it longer. */
  async #stop(node: FaultNode, millis: number): Promise<void> {
    const from = micros();
    await node.stop();
    await delay(millis);
    node.go();
    const stopped = (micros() - from) / 1000;
    if (stopped > leaseMillis * 0.6) this.#excuse(node, from);
  }

  async #stopBeyondLease(node: FaultNode): Promise<void> {
    const from = micros();
    await node.stop();
    await delay(leaseMillis * this.#random.between(11, 16) * 0.1);
    node.go();
    this.#excuse(node, from);
  }

  async #killNode(node: FaultNode): Promise<void> {
    if (this.#working.size <= 3) return;
    this.#working.delete(node);
    await node.kill();
    this.#fenced.push({ process: this.#rank(node), at: micros() });
    const fresh = await this.addNode();
    this.record(fresh);
  }

  #excuse(node: FaultNode, from: number): void {
    const until = micros() + blindMillis * 1000;
    this.#blind.push({ process: this.#rank(node), from, until });
    this.#fenced.push({ process: this.#rank(node), at: until });
  }

  #rank(node: FaultNode): number {
    return this.#cluster.nodes.indexOf(node) + 1;
  }

  #log(rank: number): string {
    return this.#logs.at(`history-${rank}`);
  }
}
