import Database from "libsql";

/** A connection to a SQLite database by libsql's build of it for Node: statements come by message, one process each. */
interface Message {
  readonly id: number;
  readonly statements: string;
}

const [database, busyMillis] = process.argv.slice(2);
const connection = new Database(database, { timeout: Number(busyMillis) });

process.on("message", ({ id, statements }: Message) => {
  try {
    process.send?.({ id, rows: run(statements) });
  } catch (error) {
    process.send?.({ id, error: (error as Error).message });
  }
});
process.send?.({ id: 0, rows: [] });

/** @returns the rows of the one statement that returns some, columns separated by `|`. */
function run(statements: string): string[] {
  if (!/^(SELECT|PRAGMA \w+(=\w+)?;$)/.test(statements)) {
    connection.exec(statements);
    return [];
  }
  const rows = connection.prepare(statements).raw().all() as unknown[][];
  return rows.map((row) => row.join("|"));
}
