import { execFile } from "node:child_process";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { type MountBenchmark, WrongResult } from "./mount-benchmark.js";

const busyMillis = 20_000;

/** SQLite in WAL mode: transactions of one writer, or of two on two mounts at once. */
function bank(writers: 1 | 2, synchronous: "NORMAL" | "FULL"): MountBenchmark {
  return {
    name: `mount: SQLite WAL ${synchronous}, ${writers === 1 ? "1 mount" : "2 mounts"}`,
    unit: "tx/s",
    isRate: true,
    expected: "ahead of sshfs",
    program: { name: "sqlite3", debianPackage: "sqlite3" },
    async sample(volume, { transactions }, id) {
      if (writers > 1 && !volume.sharesLocks)
        throw new WrongResult("locks and shared memory of two mounts are not one");
      const paths = volume.mounts.slice(0, writers).map((mount) => join(mount, `bank-${id}.db`));
      await sqlite(
        paths[0],
        "PRAGMA journal_mode=WAL; CREATE TABLE t (id INTEGER PRIMARY KEY, n INT); INSERT INTO t VALUES (1, 0);",
      );
      const script = [
        `PRAGMA synchronous=${synchronous};`,
        ...Array.from({ length: transactions }, () => "BEGIN IMMEDIATE; UPDATE t SET n = n + 1 WHERE id = 1; COMMIT;"),
      ].join("\n");
      const start = performance.now();
      await Promise.all(paths.map((path) => sqlite(path, script)));
      const seconds = (performance.now() - start) / 1000;
      await checkBank(paths, transactions * writers);
      for (const suffix of ["", "-wal", "-shm"]) await rm(`${paths[0]}${suffix}`, { force: true });
      return (transactions * writers) / seconds;
    },
  };
}

async function checkBank(paths: readonly string[], count: number): Promise<void> {
  for (const path of paths) {
    const said = await sqlite(path, "PRAGMA integrity_check; SELECT n FROM t;");
    if (said !== `ok\n${count}`) throw new WrongResult(`${count} transactions were done, and SQLite finds: ${said}`);
  }
}

/** @returns what it printed. */
function sqlite(path: string, script: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const args = ["-bail", "-cmd", `.timeout ${busyMillis}`, path];
    const program = execFile("sqlite3", args, (error, stdout, stderr) => {
      if (error === null) resolve(stdout.trim());
      else reject(new WrongResult(`SQLite ends with ${error.signal ?? stderr.trim().split("\n")[0]}`));
    });
    program.stdin?.on("error", () => undefined); // It has ended, and says why.
    program.stdin?.end(script);
  });
}

export const banks: readonly MountBenchmark[] = [
  bank(1, "NORMAL"),
  bank(1, "FULL"),
  bank(2, "NORMAL"),
  bank(2, "FULL"),
];
