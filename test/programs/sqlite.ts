/** How long a statement may wait for a lock, and how long a test waits for its answer: only a hang takes that long. */
export const busyMillis = 60_000;
export const answerMillisMax = 90_000;

/** A connection to a SQLite database, in a process of its own. */
export interface Sqlite extends AsyncDisposable {
  /** Runs statements. @returns the rows they print, columns separated by `|`. */
  ask(statements: string): Promise<string[]>;
  kill(): void;
}

/** `setup`: statements whose answers nobody wants, pragmas mostly. */
export type OpenSqlite = (database: string, setup?: string) => Promise<Sqlite>;
