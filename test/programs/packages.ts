import { accessSync, constants, readdirSync } from "node:fs";
import { join } from "node:path";
import { lacksFuse } from "../support/requires.js";

/** The programs that nobody here wrote, and the Debian package that each comes with. */
export const packages = {
  cc: "gcc",
  fio: "fio",
  flock: "util-linux",
  git: "git",
  make: "make",
  ping_pong: "ctdb",
  postgres: "postgresql",
  python3: "python3",
  rsync: "rsync",
  sqlite3: "sqlite3",
} as const;

export type ProgramName = keyof typeof packages;

/** As the value of a test's `skip`: false when mounts and these programs are there, else what is missing and its remedy. */
export function lacks(...names: ProgramName[]): string | false {
  const missing = names.filter((name) => folderOf(name) === undefined);
  if (missing.length === 0) return lacksFuse();
  const wanted = [...new Set(missing.map((name) => packages[name]))];
  return `no ${missing.join(", ")} here: apt-get install ${wanted.join(" ")}`;
}

/** The folder that a program is in. */
export function folderOf(name: ProgramName): string | undefined {
  return searched().find((folder) => isExecutable(join(folder, name)));
}

function searched(): string[] {
  const path = (process.env.PATH ?? "").split(":");
  return ["/usr/bin", ...postgresFolders(), ...path];
}

/** Debian keeps a database server's programs out of everybody's way, each version's by itself. */
function postgresFolders(): string[] {
  const versions = "/usr/lib/postgresql";
  try {
    return readdirSync(versions).map((version) => join(versions, version, "bin"));
  } catch {
    return []; // There is none.
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
