import { setTimeout as delay } from "node:timers/promises";
import { type TemporaryFolder, temporaryFolder } from "../support/temporary-folder.js";
import { check, type Faults } from "./checker.js";
import { FaultCluster, pageBytes } from "./fault-cluster.js";
import { type History, joined, readHistory } from "./history.js";
import {
  type HistoryFile,
  type HistoryMember,
  LibraryMember,
  type MemberPlace,
  MountMember,
} from "./history-member.js";
import { micros } from "./history-recorder.js";
import { explain, type Happening } from "./history-report.js";
import { FarNetwork, lacksNamespaces } from "./network.js";
import { Proxy } from "./proxy.js";
import { SeededRandom } from "./seeded-random.js";

export interface RunOptions {
  readonly seed: number;
  readonly millis: number;
  readonly policy?: "optimal" | "simple";
  /** Every second program uses the file through a mount. */
  readonly withMounts?: boolean;
}

export interface RunResult {
  readonly problems: readonly string[];
  /** How the first of them came about. */
  readonly story: readonly string[];
  readonly accesses: number;
  readonly faults: string;
}

const leaseMillis = 1500;
/** TCP sends again ever later: what is cut for longer than this may not be back in time. */
const cutMillisMax = leaseMillis * 0.25;
/** For how long after it runs again a node that was stopped beyond its lease may be blind; see stopped-node.test.ts. */
const blindMillis = 1000;
const file = { name: "history.bin", size: 6 * pageBytes };
const directions = ["both", "toFar", "fromFar"] as const;
const members = 4;
type Act = "killHome" | "reset" | "stopShort" | "stopLong" | "kill" | "cutShort" | "cutLong";
const acts: readonly Act[] = ["killHome", "killHome", "reset", "stopShort", "stopLong", "kill", "cutShort", "cutLong"];

/**
 * Programs that record what they read and write, on one cluster, under faults drawn from a seed; and the checker's verdict.
 * Some come by a proxy that resets connections, some by a cable that is cut (where network namespaces can be made).
 */
export async function runHistory(options: RunOptions): Promise<RunResult> {
  const random = new SeededRandom(options.seed);
  using network = lacksNamespaces() === false ? new FarNetwork() : undefined;
  const host = network?.host ?? "127.0.0.1";
  await using cluster = await FaultCluster.start({ nodes: 0, leaseMillis, home: { host } });
  await using proxy = await Proxy.start(() => cluster.home.port, host);
  using logs = temporaryFolder();
  await using run = new Run({ cluster, proxy, network }, random, options, logs);
  cluster.home.onFenced = ({ name, reason }) => run.tell(`${name} is fenced: ${reason}`);
  for (let count = 0; count < members; count++) await run.add();
  run.begin(options.millis);
  while (run.millisLeft > 0) {
    await delay(random.between(100, 700));
    if (run.millisLeft > 0) await run.fault(random.pick(acts));
  }
  return await run.finish();
}

interface Stage {
  readonly cluster: FaultCluster;
  readonly proxy: Proxy;
  readonly network: FarNetwork | undefined;
}

class Run implements AsyncDisposable {
  readonly #stage: Stage;
  readonly #random: SeededRandom;
  readonly #options: RunOptions;
  readonly #logs: TemporaryFolder;
  readonly #members: HistoryMember[] = [];
  readonly #far = new Set<HistoryMember>();
  readonly #working = new Map<HistoryMember, Promise<unknown>>();
  readonly #fenced: { process: number; from: number; until: number }[] = [];
  readonly #blind: { process: number; from: number; until: number }[] = [];
  readonly #happenings: Happening[] = [];
  readonly #done: Record<string, number> = {};
  #end = 0;

  constructor(stage: Stage, random: SeededRandom, options: RunOptions, logs: TemporaryFolder) {
    this.#stage = stage;
    this.#random = random;
    this.#options = options;
    this.#logs = logs;
  }

  get millisLeft(): number {
    return this.#end - performance.now();
  }

  async add(): Promise<HistoryMember> {
    const index = this.#members.length;
    const kind = this.#options.withMounts === true && index % 2 === 1 ? MountMember : LibraryMember;
    const place = this.#place(index);
    const policy = this.#options.policy ?? "optimal";
    const member = await kind.start(`member ${index}`, place, { ...file, policy } satisfies HistoryFile);
    this.#members.push(member);
    if (place.netns !== undefined) this.#far.add(member);
    return member;
  }

  begin(millis: number): void {
    this.#end = performance.now() + millis;
    for (const member of this.#members) this.#record(member);
  }

  async fault(act: Act): Promise<void> {
    const member = this.#random.pick([...this.#working.keys()]);
    if (act.startsWith("cut") && this.#far.size === 0) return;
    this.#done[act] = (this.#done[act] ?? 0) + 1;
    this.tell(`${act} (${this.#rank(member)}) begins`);
    if (act === "killHome") await this.#stage.cluster.home.restart();
    else if (act === "reset") this.#stage.proxy.cut();
    else if (act === "cutShort") await this.#cut(this.#random.between(10, cutMillisMax));
    else if (act === "cutLong") await this.#cut(leaseMillis * this.#random.between(11, 16) * 0.1);
    else if (act === "stopShort") await this.#stop(member, this.#random.between(10, leaseMillis * 0.5));
    else if (act === "stopLong") await this.#stop(member, leaseMillis * this.#random.between(11, 16) * 0.1);
    else await this.#kill(member);
    this.tell(`${act} ends`);
  }

  async finish(): Promise<RunResult> {
    for (const [member, work] of this.#working) {
      const failed = await work;
      if (failed instanceof Error) throw new Error(`${member.name}: ${failed.message}\n${await this.#state()}`);
    }
    const histories: History[] = this.#members.map((member) => readHistory(this.#log(member), this.#rank(member)));
    const history = joined(histories);
    const faults: Faults = { fenced: this.#fenced, blind: this.#blind };
    const problems = check(history, faults);
    const story = problems.length === 0 ? [] : explain(problems[0], history, this.#happenings);
    const done = Object.entries(this.#done).map(([act, count]) => `${act} ${count}`);
    return { problems, story, accesses: history.accesses.length, faults: done.join(", ") };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stage.network?.heal();
    await Promise.all(this.#members.map((member) => member[Symbol.asyncDispose]()));
  }

  /** In turn: straight to the home, by the proxy, by the cable. */
  #place(index: number): MemberPlace {
    const { cluster, proxy, network } = this.#stage;
    const way = (index + this.#random.seed) % 3;
    if (way === 2 && network !== undefined) return { url: cluster.home.url, netns: network.netns };
    return { url: way === 1 ? proxy.url : cluster.home.url };
  }

  #record(member: HistoryMember): void {
    const args = {
      log: this.#log(member),
      rank: this.#rank(member),
      // Words that share pages, and words that have one for themselves.
      at: [0, 64, pageBytes, pageBytes + 2048, 2 * pageBytes, 3 * pageBytes + 8, 4 * pageBytes],
      millis: Math.max(0, this.millisLeft),
      seed: this.#random.between(0, 2 ** 31),
      writes: this.#random.pick([5, 30, 60]),
      syncEvery: this.#random.pick([0, 300]),
    };
    this.#working.set(
      member,
      member.record(args).catch((error: unknown) => error),
    );
  }

  /** Whoever is stopped for less than the lease goes on; but a machine that is busy may make it longer. */
  async #stop(member: HistoryMember, millis: number): Promise<void> {
    const from = micros();
    await member.stop();
    await delay(millis);
    member.go();
    const stopped = (micros() - from) / 1000;
    if (stopped <= leaseMillis * 0.6) return;
    const until = micros() + blindMillis * 1000;
    this.#blind.push({ process: this.#rank(member), from, until });
    this.#fenced.push({ process: this.#rank(member), from, until });
  }

  /** They know what time it is, and lose what they could not send; but nobody sees what is old. */
  async #cut(millis: number): Promise<void> {
    const from = micros();
    this.#stage.network?.cut(this.#random.pick(directions));
    await delay(millis);
    this.#stage.network?.heal();
    const healed = micros();
    if ((healed - from) / 1000 <= cutMillisMax * 1.2) return;
    // Until a connection is made again, which is tried every second at the latest.
    const until = healed + leaseMillis * 1000;
    for (const member of this.#far) this.#fenced.push({ process: this.#rank(member), from, until });
  }

  async #kill(member: HistoryMember): Promise<void> {
    if (this.#working.size <= members - 1) return;
    this.#working.delete(member);
    this.#far.delete(member);
    const from = micros();
    await member.kill();
    this.#fenced.push({ process: this.#rank(member), from, until: micros() });
    this.#record(await this.add());
  }

  tell(what: string): void {
    this.#happenings.push({ at: micros(), what });
  }

  /** Who holds what, and what everybody has said: for whoever looks at one that hangs. */
  async #state(): Promise<string> {
    const { home } = this.#stage.cluster;
    const [tokens, status] = [await home.tokens(file.name), await home.status()];
    const said = this.#members.map(({ name, errors }) => `${name}: ${errors}`);
    return [JSON.stringify(tokens), JSON.stringify({ nodes: status.nodes, files: status.files }), ...said].join("\n");
  }

  #rank(member: HistoryMember): number {
    return this.#members.indexOf(member) + 1;
  }

  #log(member: HistoryMember): string {
    return this.#logs.at(`history-${this.#rank(member)}`);
  }
}
