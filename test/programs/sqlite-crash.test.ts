import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { MountCluster } from "../mount/mount-cluster.js";
import { until } from "../support/until.js";
import { audit, type BankMode, openBank, pragmas, Writer } from "./bank.js";
import { lacks } from "./packages.js";
import { SqliteShell } from "./sqlite-shell.js";

/**
 * In WAL mode the index of the log (`-shm`) is stores to a map, which nobody syncs: it outlives a host since an unlock hands it over
 * where another host could have the lock next. Where a host was alone, the next one makes a new index of the log, which was synced.
 */
const modes: readonly BankMode[] = [
  { journal: "delete", mapBytes: 0 },
  { journal: "wal", mapBytes: 0 },
  { journal: "wal", mapBytes: 64 * 1024 * 1024 },
];
const before = 8;
const after = 20;
const limitMillis = 60_000;
/** Between transfers, so that the other gets a turn. */
const turnMillis = 30;

for (const mode of modes) {
  const how = `${mode.journal} journal, ${mode.mapBytes > 0 ? "mapped" : "not mapped"}`;
  test(
    `SQLite (${how}): a host is killed in the middle, the other goes on, no committed transfer is lost`,
    {
      skip: lacks("sqlite3"),
    },
    async () => await killOneHost(mode),
  );
  test(
    `SQLite (${how}): a host that was alone with the database is killed, no transfer is lost that it has committed and synced`,
    {
      skip: lacks("sqlite3"),
    },
    async () => await killLonelyHost({ ...mode, synchronous: "full" }),
  );
}

async function killOneHost(mode: BankMode): Promise<void> {
  await using cluster = await MountCluster.start({ home: { leaseMillis: 3000 } });
  const [living, dying] = cluster.mounts;
  await openBank(living.at("bank.db"), mode);
  await using livingShell = await SqliteShell.open(living.at("bank.db"), pragmas(mode));
  await using dyingShell = await SqliteShell.open(dying.at("bank.db"), pragmas(mode));
  const survivor = new Writer("survivor", livingShell);
  const victim = new Writer("victim", dyingShell);

  for (const writer of [survivor, victim]) writer.pauseMillis = turnMillis;
  const surviving = survivor.transfer(Number.POSITIVE_INFINITY).catch((error: unknown) => error);
  const ended = victim.transfer(Number.POSITIVE_INFINITY).catch((error: unknown) => error);
  const haveCommitted = () => Math.min(survivor.committed, victim.committed) >= before;
  await until("both have committed", haveCommitted, limitMillis);
  for (const writer of [survivor, victim]) writer.pauseMillis = 0; // It is to be killed while it has a transaction open.
  await delay(turnMillis * 10);
  dying.isQuiet = false;
  await dyingShell.freeze();
  dying.program.kill("SIGKILL");
  dyingShell.kill();
  assert.ok((await ended) instanceof Error);

  const goal = survivor.committed + after;
  await until("the other host goes on", () => survivor.committed >= goal, limitMillis);
  survivor.isStopped = true;
  assert.equal(await surviving, undefined);
  await audit(living.at("bank.db"), mode, [survivor, victim], [victim]);
}

async function killLonelyHost(mode: BankMode): Promise<void> {
  await using cluster = await MountCluster.start({ home: { leaseMillis: 3000 } });
  const [living, dying] = cluster.mounts;
  await openBank(dying.at("bank.db"), mode);
  await using shell = await SqliteShell.open(dying.at("bank.db"), pragmas(mode));
  const victim = new Writer("victim", shell);
  const ended = victim.transfer(Number.POSITIVE_INFINITY).catch((error: unknown) => error);
  await until("it has committed", () => victim.committed >= after, limitMillis);
  dying.isQuiet = false;
  await shell.freeze();
  dying.program.kill("SIGKILL");
  shell.kill();
  assert.ok((await ended) instanceof Error);
  await audit(living.at("bank.db"), mode, [victim], [victim]);
}
