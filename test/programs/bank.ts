import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import type { Sqlite } from "./sqlite.js";
import { SqliteShell } from "./sqlite-shell.js";

export const accounts = 200;
export const opening = 1000;
/** Statements that a writer sends ahead, so that it never waits for this process. */
const aheadMax = 8;
/** Readers leave the processors to the writers now and then. */
const restMillis = 20;

/** How the database is used: a journal mode, and whether reads go through a map of the file. */
export interface BankMode {
  readonly journal: "wal" | "delete";
  readonly mapBytes: number;
  /** Default: what loses nothing that another host may have seen, when one dies. */
  readonly synchronous?: "normal" | "full";
}

export function pragmas({ journal, mapBytes, synchronous = journal === "wal" ? "normal" : "full" }: BankMode): string {
  return `PRAGMA mmap_size=${mapBytes}; PRAGMA synchronous=${synchronous};`;
}

/** Makes the database: accounts over some dozens of pages, and a table that gets a row with every transfer. */
export async function openBank(database: string, mode: BankMode): Promise<void> {
  await using shell = await SqliteShell.open(database, pragmas(mode));
  const [journal] = await shell.ask(`PRAGMA journal_mode=${mode.journal};`);
  assert.equal(journal, mode.journal);
  await shell.ask(`
    CREATE TABLE account(id INTEGER PRIMARY KEY, balance INTEGER NOT NULL, padding BLOB);
    CREATE TABLE transfer(writer, number, source, target, amount, PRIMARY KEY(writer, number)) WITHOUT ROWID;
    WITH RECURSIVE ids(id) AS (VALUES(0) UNION ALL SELECT id + 1 FROM ids WHERE id < ${accounts - 1})
    INSERT INTO account SELECT id, ${opening}, zeroblob(600) FROM ids;`);
}

/** Transfers money, one transaction each, and keeps outside what it has sent and what it has heard to be committed. */
export class Writer {
  readonly name: string;
  sent = 0;
  committed = 0;
  isStopped = false;
  /**
   * Between transfers. With a rollback journal, who waits for the database looks whether it is free every tenth of a second: of two
   * programs that never pause one gets no turn for many seconds, on a local file system as well.
   */
  pauseMillis = 0;
  readonly #sqlite: Sqlite;

  constructor(name: string, sqlite: Sqlite) {
    this.name = name;
    this.#sqlite = sqlite;
  }

  /** Until `count` transfers are committed or it is stopped. Throws when sqlite3 ends. */
  async transfer(count: number): Promise<void> {
    const ahead: Promise<void>[] = [];
    while (this.sent < count && !this.isStopped) {
      const next = this.#next();
      next.catch(() => undefined); // Looked at in its turn; after a failure, nobody looks at the rest.
      ahead.push(next);
      if (this.pauseMillis > 0) {
        await Promise.all(ahead.splice(0));
        await delay(this.pauseMillis);
      }
      if (ahead.length >= aheadMax) await ahead.shift();
    }
    await Promise.all(ahead);
  }

  async #next(): Promise<void> {
    const number = ++this.sent;
    const source = (number * 31) % accounts;
    const target = (number * 17 + 5) % accounts;
    const amount = number % 10;
    const answered = this.#sqlite.ask(
      `BEGIN IMMEDIATE;
      UPDATE account SET balance = balance - ${amount} WHERE id = ${source};
      UPDATE account SET balance = balance + ${amount} WHERE id = ${target};
      INSERT INTO transfer VALUES ('${this.name}', ${number}, ${source}, ${target}, ${amount});
      COMMIT;`,
    );
    await answered;
    this.committed = number;
  }
}

/** What a reader asks: the sum of all accounts, and the last transfer of each writer. */
export function question(writers: readonly string[]): string {
  const last = writers.map((name) => `(SELECT coalesce(max(number), 0) FROM transfer WHERE writer = '${name}')`);
  return ["SELECT (SELECT sum(balance) FROM account)", ...last].join(", ");
}

/** Reads again and again: the total is the same in every read, and a transfer that was committed before is seen. */
export class Reader {
  reads = 0;
  isStopped = false;
  readonly #sqlite: Sqlite;
  readonly #writers: readonly Writer[];

  constructor(sqlite: Sqlite, writers: readonly Writer[]) {
    this.#sqlite = sqlite;
    this.#writers = writers;
  }

  async read(): Promise<void> {
    const asked = `${question(this.#writers.map(({ name }) => name))};`;
    while (!this.isStopped) {
      const committed = this.#writers.map((writer) => writer.committed);
      const [row] = await this.#sqlite.ask(asked);
      checkRead(row.split("|").map(Number), this.#writers, committed);
      this.reads++;
      await delay(restMillis);
    }
  }
}

/** What a writer is known to have done. */
export interface Progress {
  readonly name: string;
  readonly sent: number;
  readonly committed: number;
}

/** `committed`: what each writer had heard to be committed when the read began. */
export function checkRead(row: readonly number[], writers: readonly Progress[], committed: readonly number[]): void {
  const [total, ...seen] = row;
  assert.equal(total, accounts * opening, "the total is constant in every read");
  writers.forEach(({ name, sent }, index) => {
    const what = `${name}: committed ${committed[index]}, seen ${seen[index]}, sent ${sent}`;
    assert.ok(seen[index] >= committed[index] && seen[index] <= sent, what);
  });
}

/** The books, looked at by a connection of its own. `ahead`: of these writers some may be there that nobody has heard of. */
export async function audit(
  database: string,
  mode: BankMode,
  writers: readonly Progress[],
  dead: readonly Progress[] = [],
) {
  await using shell = await SqliteShell.open(database, pragmas(mode));
  assert.deepEqual(await shell.ask("PRAGMA integrity_check;"), ["ok"]);
  const wrong = await shell.ask(`
    SELECT id, balance FROM account WHERE balance <> ${opening}
      - (SELECT coalesce(sum(amount), 0) FROM transfer WHERE source = id)
      + (SELECT coalesce(sum(amount), 0) FROM transfer WHERE target = id);`);
  assert.deepEqual(wrong, [], "every balance is what its transfers say");
  for (const writer of writers) {
    const [row] = await shell.ask(`SELECT count(*), max(number) FROM transfer WHERE writer = '${writer.name}';`);
    const [count, last] = row.split("|").map(Number);
    assert.equal(count, last, `no transfer of ${writer.name} is missing in between`);
    assert.ok(count >= writer.committed, `${writer.name} had committed ${writer.committed}, and ${count} are there`);
    const most = dead.includes(writer) ? writer.sent : writer.committed;
    assert.ok(count <= most, `${writer.name} has sent ${writer.sent}, and ${count} are there`);
  }
}
