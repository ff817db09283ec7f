import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync } from "node:fs";
import { test } from "node:test";
import { promisify } from "node:util";
import { lacksFuse } from "../support/requires.js";
import { temporaryFolder } from "../support/temporary-folder.js";
import { MountCluster } from "./mount-cluster.js";

const script = new URL("../../../test/mount/programs/differential.py", import.meta.url).pathname;
const run = promisify(execFile);
/** The fourth has a mode change on one mount, and a chown(2) on the other that went by the mode of before. */
const seeds = [1, 2, 3, 206_088_361, Math.floor(Math.random() * 1e9)];

test("whatever programs do on two mounts in turn, they are answered as by a local filesystem", {
  skip: lacksFuse(),
}, async () => {
  await using cluster = await MountCluster.start();
  using local = temporaryFolder();
  for (const seed of seeds) {
    const name = `seed ${seed}`;
    for (const folder of [local.path, cluster.mounts[0].path]) mkdirSync(`${folder}/${name}`);
    const places = [local.at(name), ...cluster.mounts.map((mount) => mount.at(name))];
    const outcome = await run("python3", [script, String(seed), "400", ...places]).catch((error: Error) => error);
    assert.equal("stdout" in outcome ? outcome.stdout : outcome.message, "", `${name}: differential.py ${seed} 400`);
  }
});
