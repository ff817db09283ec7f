import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { tryLockFile } from "../kernel/folder.js";
import { ownFolder } from "./names.js";

/** Whether a home of this machine serves the folder now: its lock there is taken. */
export function isServed(folder: string): boolean {
  let fd: number;
  try {
    fd = openSync(join(folder, ownFolder, "lock"), "r");
  } catch {
    return false;
  }
  try {
    return !tryLockFile(fd);
  } finally {
    closeSync(fd);
  }
}
