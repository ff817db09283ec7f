import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { probeAccess } from "../../src/kernel/userfaultfd.js";

/**
 * What a test needs of the machine, as the value for its `skip` option: false when it is there, else the reason, so that
 * a machine that lacks it says "skipped" and never "passed". `npm test` in CI fails when anything was skipped.
 */
export function lacksUserfaultfd(): string | false {
  const missing = Object.values(probeAccess()).every((errno) => errno !== 0);
  return missing ? "no way to open a userfaultfd here: see `dmmap doctor`" : false;
}

/** Full service: faults of system calls are served too, not only those of the program's own touches. */
export function lacksFullUserfaultfd(): string | false {
  const access = probeAccess();
  return access.systemCall !== 0 && access.device !== 0 ? "only a user-mode userfaultfd here" : false;
}

/** Mounts: /dev/fuse, and the right to mount. */
export function lacksFuse(): string | false {
  if (process.getuid?.() !== 0) return "only root may mount without fusermount3";
  try {
    accessSync("/dev/fuse", constants.R_OK | constants.W_OK);
    return false;
  } catch {
    return "no /dev/fuse here: see `dmmap doctor`";
  }
}

export function lacksKernel(major: number, minor: number): string | false {
  const [, actualMajor, actualMinor] = readFileSync("/proc/version", "utf8").match(/version (\d+)\.(\d+)/) ?? [];
  const enough = Number(actualMajor) > major || (Number(actualMajor) === major && Number(actualMinor) >= minor);
  return enough ? false : `needs Linux ${major}.${minor}`;
}

/** A program that Debian has in one of its packages: `.ci/run` installs it. */
export function lacksProgram(name: string): string | false {
  const isThere = (process.env.PATH ?? "").split(":").some((folder) => existsSync(`${folder}/${name}`));
  return isThere ? false : `no ${name} here`;
}
