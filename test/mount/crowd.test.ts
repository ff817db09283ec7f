import assert from "node:assert/strict";
import { lstatSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { seededRandom } from "../faults/seeded-random.js";
import { lacksFuse } from "../support/requires.js";
import { within } from "../support/until.js";
import { CrowdProgram } from "./crowd-program.js";
import { MountCluster } from "./mount-cluster.js";

const skip = lacksFuse();

test("I19: programs on two mounts that fight over names in the same folders all go on, and see the same in the end", {
  skip,
}, async (context) => {
  const random = seededRandom(context);
  await using cluster = await MountCluster.start();
  for (const folder of ["x", "y"]) mkdirSync(join(cluster.folder.path, folder));
  await using crowd = Crowd.start(cluster, 3, 4000, () => random.between(0, 2 ** 31));
  for (const trouble of await within("all programs end", crowd.ended, 60_000)) assert.equal(trouble, "");
  const [one, other] = cluster.mounts.map((mount) => listed(mount.path, ""));
  assert.deepEqual(one, other);
  assert.deepEqual(one, listed(cluster.folder.path, ""));
});

class Crowd implements AsyncDisposable {
  readonly #programs: readonly CrowdProgram[];
  readonly ended: Promise<string[]>;

  static start(cluster: MountCluster, each: number, millis: number, seed: () => number): Crowd {
    const roots = cluster.mounts.flatMap((mount) => Array.from({ length: each }, () => mount.path));
    return new Crowd(roots.map((root) => new CrowdProgram(root, millis, seed())));
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
function listed(root: string, below: string): string[] {
  const names = readdirSync(join(root, below)).filter((name) => name !== ".dmmap");
  return names.sort().flatMap((name) => {
    const path = join(below, name);
    const { ino, mode, nlink, size, mtimeNs } = lstatSync(join(root, path), { bigint: true });
    const line = [path, ino, mode.toString(8), nlink, size].join(" ");
    if ((Number(mode) & 0o170000) !== 0o040000) return [line];
    return [`${line} ${mtimeNs}`].concat(listed(root, path));
  });
}
