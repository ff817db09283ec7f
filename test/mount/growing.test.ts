import { after, test } from "node:test";
import { lacksFuse } from "../support/requires.js";
import { CompiledProgram } from "./compiled-program.js";
import { MountCluster } from "./mount-cluster.js";

const skip = lacksFuse();
const grow = new CompiledProgram("grow");
after(() => grow[Symbol.dispose]());

/** Another seed finds other orders: `DMMAP_SEED=123 npm test -- --only-tests test/mount/growing.test.ts`. */
const firstSeed = Number(process.env.DMMAP_SEED ?? 1);

/**
 * 1. A program appends; the home makes the file longer, and this mount hears of it. 2. Another program of this mount reads the new
 * end: zeros. 3. The appended bytes come into the node's cache; the kernel keeps the zeros that it was given for them.
 */
test("who reads a file that a program of this host makes longer sees its bytes, and never zeros", {
  skip,
}, async () => {
  await using cluster = await MountCluster.start({ mounts: 1 });
  const path = cluster.mounts[0].at("log");
  await grow.run([firstSeed, 600, path, path]);
});

/** What the readers and the writer keep locked in their kernels, and the tokens that they wait for, must never form a circle. */
test("nor does who reads it on another host, and nobody waits for ever", { skip }, async () => {
  await using cluster = await MountCluster.start();
  for (let seed = firstSeed; seed < firstSeed + 6; seed++) {
    const paths = cluster.mounts.map((mount) => mount.at(`log ${seed}`));
    await grow.run([seed, 100, paths[0], ...paths]);
  }
});
