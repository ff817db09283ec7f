import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { dirname, sep } from "node:path";
import { isServed } from "./is-served.js";
import { ownFolder } from "./names.js";

const lockEnd = [sep, ownFolder, sep, "lock"].join("");

/**
 * Folders that homes of this machine serve now: those of other users are seen by root alone, and those in other pid or mount
 * namespaces by nobody.
 */
export function servedFolders(): string[] {
  const files = new Set(lockers().flatMap(openFiles));
  const locks = [...files].filter((path) => path.endsWith(lockEnd));
  return locks.map((path) => dirname(dirname(path))).filter(isServed);
}

/** Processes that have locked whole files. */
function lockers(): string[] {
  const lines = orNothing(() => readFileSync("/proc/locks", "latin1").split("\n"));
  return lines.map((line) => line.trim().split(/\s+/)).flatMap(([, kind, , , pid]) => (kind === "FLOCK" ? [pid] : []));
}

function openFiles(pid: string): string[] {
  const folder = `/proc/${pid}/fd`;
  const descriptors = orNothing(() => readdirSync(folder));
  return descriptors.flatMap((descriptor) => orNothing(() => [readlinkSync(`${folder}/${descriptor}`)]));
}

/** Of what is gone meanwhile, or not to be seen. */
function orNothing(list: () => string[]): string[] {
  try {
    return list();
  } catch {
    return [];
  }
}
