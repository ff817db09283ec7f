import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { SeededRandom } from "../faults/seeded-random.js";
import { CrowdProgram } from "./crowd-program.js";
import type { MountCluster } from "./mount-cluster.js";

/** Some programs on each mount of a cluster that do everything with names in the folders x and y. */
export class Crowd implements AsyncDisposable {
  readonly #programs: readonly CrowdProgram[];
  readonly ended: Promise<string[]>;

  static start(cluster: MountCluster, each: number, millis: number, random: SeededRandom): Crowd {
    const roots = cluster.mounts.flatMap((mount) => Array.from({ length: each }, () => mount.path));
    return new Crowd(roots.map((root) => new CrowdProgram(root, millis, random.between(0, 2 ** 31))));
  }

  private constructor(programs: readonly CrowdProgram[]) {
    this.#programs = programs;
    this.ended = Promise.all(programs.map((program) => program.ended));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const program of this.#programs) await program[Symbol.asyncDispose]();
  }
}

/** All that is below, with what can be told of it; the time of a file's last change is known first where it was written. */
export function listed(root: string, below: string): string[] {
  const names = readdirSync(join(root, below)).filter((name) => name !== ".dmmap");
  return names.sort().flatMap((name) => {
    const path = join(below, name);
    const { ino, mode, nlink, size, mtimeNs } = lstatSync(join(root, path), { bigint: true });
    const line = [path, ino, mode.toString(8), nlink, size].join(" ");
    if ((Number(mode) & 0o170000) !== 0o040000) return [line];
    return [`${line} ${mtimeNs}`].concat(listed(root, path));
  });
}
