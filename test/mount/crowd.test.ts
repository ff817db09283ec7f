import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { seededRandom } from "../faults/seeded-random.js";
import { lacksFuse } from "../support/requires.js";
import { within } from "../support/until.js";
import { Crowd, listed } from "./crowd.js";
import { MountCluster } from "./mount-cluster.js";

const skip = lacksFuse();

test("I19: programs on two mounts that fight over names in the same folders all go on, and see the same in the end", {
  skip,
}, async (context) => {
  const random = seededRandom(context);
  await using cluster = await MountCluster.start();
  for (const folder of ["x", "y"]) mkdirSync(join(cluster.folder.path, folder));
  await using crowd = Crowd.start(cluster, 3, 3000, random);
  for (const trouble of await within("all programs end", crowd.ended, 60_000)) assert.equal(trouble, "");
  const [one, other] = cluster.mounts.map((mount) => listed(mount.path, ""));
  assert.deepEqual(one, other);
  assert.deepEqual(one, listed(cluster.folder.path, ""));
});
