import { accessSync, constants } from "node:fs";
import type { DirectIo } from "../../src/fuse/direct-io.js";
import { banks } from "./bank.js";
import { builds } from "./builds.js";
import { copies } from "./copies.js";
import { fileCalls } from "./file-calls.js";
import { lockGames } from "./lock-game.js";
import type { MountBenchmark, MountScale } from "./mount-benchmark.js";
import { type MountResult, runMountBenchmark } from "./mount-rounds.js";
import { lacksSshfs, openSshfs } from "./sshfs.js";
import { openDmmap, openLocal, type Volume } from "./volume.js";

export const mountBenchmarks: readonly MountBenchmark[] = [...fileCalls, ...copies, ...builds, ...lockGames, ...banks];

export interface MountFigures {
  /** Of the volumes, dmmap's first. */
  readonly volumes: readonly string[];
  readonly results: readonly MountResult[];
  /** What was left out, and why. */
  readonly missing: readonly string[];
}

/** Measures what programs get from a mount, from the local file system and from sshfs, side by side. */
export async function measureMounts(
  chosen: readonly MountBenchmark[],
  { scale, roundCount, directIo }: { scale: MountScale; roundCount: number; directIo: DirectIo },
  onStart: (name: string) => void,
): Promise<MountFigures> {
  const noMounts = lacksMounts();
  if (noMounts !== false) return { volumes: [], results: [], missing: [noMounts] };
  const noSshfs = await lacksSshfs();
  const missing = noSshfs === false ? [] : [noSshfs];
  const volumes: Volume[] = [];
  const results: MountResult[] = [];
  try {
    volumes.push(await openDmmap(directIo), await openLocal());
    if (noSshfs === false) volumes.push(await openSshfs());
    for (const benchmark of chosen) {
      const program = lacksProgram(benchmark);
      if (program !== undefined) {
        missing.push(`${benchmark.name} is left out: install the package ${program}`);
        continue;
      }
      onStart(benchmark.name);
      results.push(await runMountBenchmark(benchmark, volumes, scale, roundCount));
    }
    return { volumes: volumes.map(({ name }) => name), results, missing };
  } finally {
    for (const volume of volumes) await volume.close();
  }
}

function lacksMounts(): string | false {
  try {
    accessSync("/dev/fuse", constants.R_OK | constants.W_OK);
    return false;
  } catch {
    return "mounts are left out: no access to /dev/fuse, see `dmmap doctor`";
  }
}

/** @returns the Debian package of a program that is not here. */
function lacksProgram({ program }: MountBenchmark): string | undefined {
  if (program === undefined) return undefined;
  const folders = (process.env.PATH ?? "").split(":");
  const isHere = folders.some((folder) => isExecutable(`${folder}/${program.name}`));
  return isHere ? undefined : program.debianPackage;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
