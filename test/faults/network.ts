import { spawnSync } from "node:child_process";

/** Why network namespaces cannot be used here, for a test's `skip`; false when they can. */
export function lacksNamespaces(): string | false {
  if (process.getuid?.() !== 0) return "network namespaces want root";
  const name = `dmmap-probe-${process.pid}`;
  const made = spawnSync("ip", ["netns", "add", name]);
  if (made.status !== 0) return `no network namespaces here: ${made.error?.message ?? String(made.stderr)}`;
  spawnSync("ip", ["netns", "del", name]);
  return false;
}

let networkLast = 0;

/** A network namespace at the other end of a cable, which can be cut, in each direction by itself. */
export class FarNetwork implements Disposable {
  /** This side's address: where a home listens that the far side is to reach. */
  readonly host: string;
  readonly netns: string;
  readonly #near: string;
  readonly #far: string;

  constructor() {
    const number = networkLast++;
    const id = `${process.pid % 100_000}${number}`;
    const net = `10.231.${process.pid % 250}.${number * 4}`.split(".");
    const at = (offset: number) => [...net.slice(0, 3), Number(net[3]) + offset].join(".");
    this.netns = `dmmap-${id}`;
    this.#near = `dmn${id}`;
    this.#far = `dmf${id}`;
    this.host = at(1);
    run(["ip", "netns", "add", this.netns]);
    run(["ip", "link", "add", this.#near, "type", "veth", "peer", "name", this.#far, "netns", this.netns]);
    run(["ip", "addr", "add", `${this.host}/30`, "dev", this.#near]);
    run(["ip", "link", "set", this.#near, "up"]);
    this.#inside(["ip", "addr", "add", `${at(2)}/30`, "dev", this.#far]);
    this.#inside(["ip", "link", "set", this.#far, "up"]);
    this.#inside(["ip", "link", "set", "lo", "up"]);
  }

  /** Every packet is dropped without a word: towards the far side, from it, or both. */
  cut(direction: "toFar" | "fromFar" | "both" = "both"): void {
    // A bucket that no packet fits into.
    const drop = ["root", "tbf", "rate", "8bit", "burst", "1", "limit", "1"];
    if (direction !== "fromFar") run(["tc", "qdisc", "replace", "dev", this.#near, ...drop]);
    if (direction !== "toFar") this.#inside(["tc", "qdisc", "replace", "dev", this.#far, ...drop]);
  }

  slow(rate: string): void {
    run([
      "tc",
      "qdisc",
      "replace",
      "dev",
      this.#near,
      "root",
      "tbf",
      "rate",
      rate,
      "burst",
      "16kb",
      "latency",
      "200ms",
    ]);
  }

  heal(): void {
    spawnSync("tc", ["qdisc", "del", "dev", this.#near, "root"]);
    spawnSync("ip", ["netns", "exec", this.netns, "tc", "qdisc", "del", "dev", this.#far, "root"]);
  }

  [Symbol.dispose](): void {
    spawnSync("ip", ["link", "del", this.#near]);
    spawnSync("ip", ["netns", "del", this.netns]);
  }

  #inside(command: readonly string[]): void {
    run(["ip", "netns", "exec", this.netns, ...command]);
  }
}

function run([command, ...args]: readonly string[]): void {
  const { status, stderr } = spawnSync(command, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${stderr}`);
}
