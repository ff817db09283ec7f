import { readFileSync, realpathSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/** What mounts of this kind are called there. */
export const mountType = "fuse.dmmap";

export interface MountEntry {
  /** `fuse.dmmap` and the like. */
  readonly type: string;
  /** The number of its device, `0:57`: no other filesystem of this machine has it. */
  readonly device: string;
}

/** What is mounted there, on top of everything else; undefined: nothing. Asks nobody but this machine's own list. */
export function mountedAt(mountPoint: string): MountEntry | undefined {
  const path = realPath(mountPoint);
  const lines = readFileSync("/proc/self/mountinfo", "utf8").trimEnd().split("\n");
  const entries = lines.map((line) => line.split(" ")).filter((fields) => unescape(fields[4] ?? "") === path);
  const fields = entries.at(-1);
  return fields === undefined ? undefined : { device: fields[2], type: fields[fields.indexOf("-") + 1] };
}

/** Where links lead to. A mount whose process has died does not answer for itself, but the folder above it does. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    try {
      return join(realpathSync(dirname(path)), basename(path));
    } catch {
      return path;
    }
  }
}

/** Blanks, line ends and backslashes are written as three octal digits there. */
function unescape(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
