import assert from "node:assert/strict";
import { test } from "node:test";
import { MountCluster } from "../mount/mount-cluster.js";
import { audit, type BankMode, openBank, pragmas, Reader, Writer } from "./bank.js";
import { lacks } from "./packages.js";
import type { OpenSqlite } from "./sqlite.js";
import { SqliteShell } from "./sqlite-shell.js";

export interface BankRun {
  /** `DMMAP_TRANSFERS=300 npm test -- --only-tests test/programs/sqlite-rollback.test.ts`: as many, for a quick look. */
  readonly transfers: number;
  /** What the programs use: Debian's sqlite3 unless told otherwise. */
  readonly open?: OpenSqlite;
}

const openShell: OpenSqlite = async (database, setup) => await SqliteShell.open(database, setup);

/** Two writers and two readers on two mounts, until the writers together have done their transfers. */
export function testBank(mode: BankMode, { transfers: usual, open = openShell }: BankRun): void {
  const transfers = Number(process.env.DMMAP_TRANSFERS ?? usual);
  const how = `${mode.journal} journal, ${mode.mapBytes > 0 ? "mapped" : "not mapped"}`;
  test(`SQLite (${how}): two writers and two readers on two mounts, ${transfers} transfers`, {
    skip: lacks("sqlite3"),
  }, async (context) => {
    await using cluster = await MountCluster.start();
    const [one, other] = cluster.mounts.map((mount) => mount.at("bank.db"));
    await openBank(one, mode);
    await using writerOne = await open(one, pragmas(mode));
    await using writerOther = await open(other, pragmas(mode));
    await using readerOne = await open(one, pragmas(mode));
    await using readerOther = await open(other, pragmas(mode));
    const writers = [new Writer("one", writerOne), new Writer("other", writerOther)];
    const readers = [new Reader(readerOne, writers), new Reader(readerOther, writers)];

    const began = performance.now();
    const writing = Promise.all(writers.map((writer) => writer.transfer(transfers / 2))).finally(() => {
      for (const reader of readers) reader.isStopped = true;
    });
    await Promise.all([writing, ...readers.map((reader) => reader.read())]);
    const seconds = (performance.now() - began) / 1000;

    for (const { reads } of readers) assert.ok(reads > 0, "each reader has read");
    await audit(one, mode, writers);
    await audit(other, mode, writers);
    const reads = readers.map((reader) => reader.reads).join(" and ");
    context.diagnostic(`${Math.round(transfers / seconds)} transfers/s, ${reads} reads`);
  });
}
