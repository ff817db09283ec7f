import { setTimeout as delay } from "node:timers/promises";
import type { Host } from "./host.js";

export const accountCount = 100;
const opening = 1000;

export async function makeBank(host: Host): Promise<void> {
  const sqlite = host.sqlite();
  const [mode] = await sqlite.ask("PRAGMA journal_mode=WAL;");
  if (mode !== "wal") throw new Error(`SQLite uses the journal mode "${mode}", not WAL`);
  await sqlite.ask(`
    CREATE TABLE account(id INTEGER PRIMARY KEY, balance INTEGER);
    CREATE TABLE transfer(host TEXT, number INTEGER, source INTEGER, target INTEGER, amount INTEGER);
    WITH RECURSIVE ids(id) AS (VALUES(1) UNION ALL SELECT id + 1 FROM ids WHERE id < ${accountCount})
    INSERT INTO account SELECT id, ${opening} FROM ids;`);
  await sqlite.close();
}

/** What a host's teller has sent, and has been told to be committed: kept outside the database, to hold it to its word. */
export class Book {
  readonly host: Host;
  sent = 0;
  committed = 0;
  isOver = false;

  constructor(host: Host) {
    this.host = host;
  }

  /** Until it is over, or its host dies. */
  async work(): Promise<void> {
    const sqlite = this.host.sqlite();
    try {
      while (!this.isOver) {
        const number = ++this.sent;
        await sqlite.ask(transfer(this.host.name, number));
        this.committed = number;
      }
      await sqlite.close();
    } catch {
      // Its host is dead, and what it was about to do may be done, or not.
    }
  }
}

function transfer(host: string, number: number): string {
  const source = 1 + ((number * 31) % accountCount);
  const target = 1 + ((number * 17 + 5) % accountCount);
  const amount = 1 + (number % 9);
  return `BEGIN IMMEDIATE;
    UPDATE account SET balance = balance - ${amount} WHERE id = ${source};
    UPDATE account SET balance = balance + ${amount} WHERE id = ${target};
    INSERT INTO transfer VALUES ('${host}', ${number}, ${source}, ${target}, ${amount});
    COMMIT;`;
}

/** Looks at the total again and again. */
export async function watchTotal(host: Host, isOver: { value: boolean }): Promise<{ reads: number; wrong: number }> {
  const sqlite = host.sqlite();
  let [reads, wrong] = [0, 0];
  for (; !isOver.value; reads++) {
    const [total] = await sqlite.ask("SELECT sum(balance) FROM account;");
    if (Number(total) !== accountCount * opening) wrong++;
    await delay(5);
  }
  await sqlite.close();
  return { reads, wrong };
}

export interface Audit {
  readonly transfers: Record<string, number>;
  readonly total: number;
  readonly expected: number;
  readonly wrongBalances: number;
  readonly integrity: string;
}

export async function auditOf(host: Host): Promise<Audit> {
  const sqlite = host.sqlite();
  const rows = await sqlite.ask("SELECT host, count(DISTINCT number) FROM transfer GROUP BY host ORDER BY host;");
  const [total] = await sqlite.ask("SELECT sum(balance) FROM account;");
  const [wrongBalances] = await sqlite.ask(`SELECT count(*) FROM account WHERE balance <> ${opening}
    - (SELECT coalesce(sum(amount), 0) FROM transfer WHERE source = id)
    + (SELECT coalesce(sum(amount), 0) FROM transfer WHERE target = id);`);
  const integrity = await sqlite.ask("PRAGMA integrity_check;");
  await sqlite.close();
  return {
    transfers: Object.fromEntries(rows.map((row) => row.split("|")).map(([name, count]) => [name, Number(count)])),
    total: Number(total),
    expected: accountCount * opening,
    wrongBalances: Number(wrongBalances),
    integrity: integrity.join("; "),
  };
}
