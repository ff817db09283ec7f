import assert from "node:assert/strict";
import { mkdirSync, statSync } from "node:fs";
import { chmod, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { seededRandom } from "../faults/seeded-random.js";
import { lacksFuse } from "../support/requires.js";
import { within } from "../support/until.js";
import { Crowd, listed } from "./crowd.js";
import { MountCluster } from "./mount-cluster.js";

const skip = lacksFuse();
const leaseMillis = 2000;

/** Two mounts, and a folder that the second one and its kernel know. */
async function known() {
  const cluster = await MountCluster.start({ home: { leaseMillis } });
  const [one, other] = cluster.mounts;
  mkdirSync(join(cluster.folder.path, "folder"));
  for (let count = 0; count < 3; count++) statSync(other.at("folder"));
  return { cluster, one, other };
}

test("I19: a mount that is killed is waited for as long as its lease", { skip }, async () => {
  const { cluster, one, other } = await known();
  await using _cluster = cluster;
  await other.kill();
  await within("the change of a mode", chmod(one.at("folder"), 0o700), leaseMillis * 10);
  await within("the change of a name", rename(one.at("folder"), one.at("moved")), leaseMillis * 10);
  assert.equal(statSync(one.at("moved")).mode & 0o777, 0o700);
});

test("R15, I19: a mount that was stopped for longer than its lease knows nothing old, nor does its kernel", {
  skip,
}, async () => {
  const { cluster, one, other } = await known();
  await using _cluster = cluster;
  other.isQuiet = false;
  other.program.kill("SIGSTOP");
  await within("the change of a mode", chmod(one.at("folder"), 0o700), leaseMillis * 10);
  await within("the change of a name", rename(one.at("folder"), one.at("moved")), leaseMillis * 10);
  const seen = stat(other.at("folder")).then(
    () => "there",
    (error: NodeJS.ErrnoException) => error.code,
  );
  other.program.kill("SIGCONT");
  assert.equal(await within("a look while it was stopped", seen, leaseMillis * 10), "ENOENT");
  assert.equal(statSync(other.at("moved")).mode & 0o777, 0o700);
});

test("I19: programs on two mounts go on while their home is killed, and see the same in the end", {
  skip,
}, async (context) => {
  const random = seededRandom(context);
  await using cluster = await MountCluster.start({ home: { leaseMillis } });
  for (const folder of ["x", "y"]) mkdirSync(join(cluster.folder.path, folder));
  for (const mount of cluster.mounts) mount.isQuiet = false; // What is open and has lost its name is gone, and said to be.
  await using crowd = Crowd.start(cluster, 2, 6000, random);
  for (let count = 0; count < 2; count++) {
    await delay(random.between(500, 1500));
    await cluster.home.restart();
  }
  for (const trouble of await within("all programs end", crowd.ended, 90_000)) assert.equal(trouble, "");
  const [one, other] = cluster.mounts.map((mount) => listed(mount.path, ""));
  assert.deepEqual(one, other);
  assert.deepEqual(one, listed(cluster.folder.path, ""));
});
