import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { test } from "node:test";
import { MountCluster } from "../mount/mount-cluster.js";
import { until } from "../support/until.js";
import { lacks } from "./packages.js";
import { killGroup } from "./run.js";

const skip = lacks("ping_pong");
const limitMillis = 60_000;
/** Reports of locks per second, one a second, for which it has to stay right. */
const reportsSteady = 4;

/** Samba's test of locks and of what they protect. It prints what another program has added to its bytes, when that changes. */
class PingPong {
  output = "";
  readonly child: ChildProcess;

  constructor(file: string, ...options: string[]) {
    this.child = spawn("stdbuf", ["-o0", "ping_pong", ...options, file, "3"], { detached: true });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.output += text;
      });
    }
  }

  get increments(): string[] {
    return [...this.output.matchAll(/data increment = (\d+)/g)].map((match) => match[1]);
  }

  get reports(): number {
    return this.output.match(/locks\/sec/g)?.length ?? 0;
  }

  [Symbol.dispose](): void {
    killGroup(this.child);
  }
}

for (const options of [["-rw", "-m"], ["-rw"]]) {
  test(`ping_pong ${options.join(" ")} on two mounts: data increment = 2, steady`, { skip }, async (context) => {
    await using cluster = await MountCluster.start();
    const [one, other] = cluster.mounts;
    using first = new PingPong(one.at("pings"), ...options);
    await until("the first runs", () => first.reports > 0, limitMillis);
    using second = new PingPong(other.at("pings"), ...options);
    const both = [first, second];
    await until("both see each other", () => both.every(({ increments }) => increments.at(-1) === "2"), limitMillis);

    const before = both.map(({ increments, reports }) => ({ seen: increments.length, reports }));
    const haveRun = () => both.every(({ reports }, index) => reports >= before[index].reports + reportsSteady);
    await until("both go on", haveRun, limitMillis);
    both.forEach(({ increments, output }, index) => {
      assert.deepEqual(increments.slice(before[index].seen), [], output);
    });
    context.diagnostic(both.map(({ output }) => output.match(/\d+ locks\/sec(?!.*locks\/sec)/s)?.[0]).join(" and "));
  });
}

test("ping_pong without data on two mounts: both get their turns", { skip }, async () => {
  await using cluster = await MountCluster.start();
  const [one, other] = cluster.mounts;
  using first = new PingPong(one.at("pings"));
  using second = new PingPong(other.at("pings"));
  await until("both go on", () => [first, second].every(({ reports }) => reports >= reportsSteady), limitMillis);
  for (const { output } of [first, second]) assert.doesNotMatch(output, /failed/);
});

test("ping_pong -l on two mounts: what one has locked is locked for the other", { skip }, async () => {
  await using cluster = await MountCluster.start();
  const [one, other] = cluster.mounts;
  using first = new PingPong(one.at("pings"), "-l");
  await until("the first has the lock", () => first.output.includes("Holding lock"), limitMillis);
  using second = new PingPong(other.at("pings"), "-l");
  await until("the second has tried", () => second.output.includes("POSIX byte range locks"), limitMillis);
  assert.match(second.output, /already locked.*Working POSIX byte range locks/s);
});
