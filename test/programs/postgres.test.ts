import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { MountCluster } from "../mount/mount-cluster.js";
import { lacks } from "./packages.js";
import { Postgres } from "./postgres.js";

const skip = lacks("postgres");
const clients = 4;

test("PostgreSQL: initdb and pgbench on one mount, a clean stop, and it goes on from the other", {
  skip,
}, async (context) => {
  await using cluster = await MountCluster.start();
  const [one, other] = cluster.mounts.map((mount) => new Postgres(mount.at("database")));
  await using _one = one;
  await using _other = other;
  await one.make();
  await one.start();
  await one.run("pgbench", ["--initialize", "--scale=1", "--quiet", "postgres"]);
  let transactions = 0;
  for (const [index, server] of [one, other, one].entries()) {
    if (index > 0) await server.start();
    const report = await server.run("pgbench", [
      `--client=${clients}`,
      "--transactions=150",
      "--no-vacuum",
      "postgres",
    ]);
    transactions += Number(report.match(/actually processed: (\d+)/)?.[1]);
    context.diagnostic(report.match(/tps = .*/)?.[0] ?? report);
    await assertBooks(server, transactions);
    await server.run("pg_amcheck", ["--install-missing", "--heapallindexed", "postgres"]);
    await server.stop();
    await server.run("pg_checksums", ["--check", "-D", cluster.mounts[(index + 1) % 2].at("database")]);
  }
  assert.equal(transactions, 3 * clients * 150);
});

test("PostgreSQL: its host is killed in the middle; it recovers on the other, with every transaction that was committed", {
  skip,
}, async (context) => {
  await using cluster = await MountCluster.start({ home: { leaseMillis: 3000 } });
  const [dying, living] = cluster.mounts;
  await using killed = new Postgres(dying.at("database"));
  await using next = new Postgres(living.at("database"));
  await killed.make();
  await killed.start();
  await killed.run("pgbench", ["--initialize", "--scale=1", "--quiet", "postgres"]);
  const work = killed.attempt("pgbench", [`--client=${clients}`, "--time=60", "--no-vacuum", "--log", "postgres"]);
  await delay(4000);
  dying.isQuiet = false;
  dying.program.kill("SIGKILL");
  await killed.kill();
  assert.notEqual((await work).code, 0, "pgbench has lost its server");

  await next.start();
  const committed = killed.lines(/^pgbench_log/);
  const count = await assertBooks(next, committed, committed + clients);
  context.diagnostic(`${committed} transactions were committed, ${count} are there`);
  assert.ok(committed > clients);
  await next.run("pg_amcheck", ["--install-missing", "--heapallindexed", "postgres"]);
  const report = await next.run("pgbench", [`--client=${clients}`, "--transactions=50", "--no-vacuum", "postgres"]);
  assert.match(report, /actually processed: 200/);
  await assertBooks(next, count + 4 * 50);
  await next.stop();
  await next.run("pg_checksums", ["--check", "-D", living.at("database")]);
});

/** What pgbench's transactions keep true. @returns how many of them are in the books. */
async function assertBooks(server: Postgres, atLeast: number, atMost = atLeast): Promise<number> {
  const sums = ["abalance FROM pgbench_accounts", "tbalance FROM pgbench_tellers", "bbalance FROM pgbench_branches"];
  const selects = [...sums, "delta FROM pgbench_history"].map((of) => of.replace(/^(\w+)/, "(SELECT sum($1)"));
  const [row] = await server.ask(`SELECT ${selects.map((select) => `${select})`).join(", ")}`);
  const [accounts, ...others] = row.split("|");
  assert.deepEqual(others, [accounts, accounts, accounts], "accounts, tellers, branches and history agree");
  const count = Number((await server.ask("SELECT count(*) FROM pgbench_history"))[0]);
  assert.ok(count >= atLeast && count <= atMost, `${count} transactions are there, of ${atLeast} to ${atMost}`);
  return count;
}
