import { readFileSync, readlinkSync, realpathSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";

/** What mounts of this kind are called there. */
export const mountType = "fuse.dmmap";

/** As many as the kernel follows in one path. */
const linksMax = 40;

export interface MountEntry {
  /** Where it is, without any symbolic link. */
  readonly path: string;
  /** `fuse.dmmap` and the like. */
  readonly type: string;
  /** The number of its device, `0:57`: no other filesystem of this machine has it. */
  readonly device: string;
}

/**
 * What is mounted there, on top of everything else; undefined: nothing. Asks this machine's own list and the folders above, and
 * never the mount itself, which may wait for its home, or may be dead.
 */
export function mountedAt(mountPoint: string): MountEntry | undefined {
  const entries = new Map<string, MountEntry>(); // Of several at one place the list has the topmost last.
  for (const line of readFileSync("/proc/self/mountinfo", "utf8").trimEnd().split("\n")) {
    const fields = line.split(" ");
    const path = unescape(fields[4]);
    entries.set(path, { path, device: fields[2], type: fields[fields.indexOf("-") + 1] });
  }
  let path = resolve(mountPoint);
  for (let links = 0; links <= linksMax; links++) {
    const folder = realPath(dirname(path));
    if (folder === undefined) return undefined;
    const place = join(folder, basename(path));
    const entry = entries.get(place);
    if (entry !== undefined) return entry;
    const target = linkTarget(place);
    if (target === undefined) return undefined;
    path = resolve(folder, target);
  }
  return undefined;
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

/** @returns undefined for what is no symbolic link. */
function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

/** Blanks, line ends and backslashes are written as three octal digits there. */
function unescape(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
