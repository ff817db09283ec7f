import { after, test } from "node:test";
import { lacksFuse } from "../support/requires.js";
import { CompiledProgram } from "./compiled-program.js";
import { MountCluster } from "./mount-cluster.js";

const skip = lacksFuse();
const [grow, extend] = ["grow", "extend"].map((name) => new CompiledProgram(name));
after(() => {
  for (const program of [grow, extend]) program[Symbol.dispose]();
});

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

/**
 * 1. The kernel is answered with the size that a file has by now, and takes it. 2. A program writes behind that, through the kernel's
 * cache. 3. The kernel zeroes what it has behind that size: in its copy, or even before the bytes are sent.
 */
for (const [rounds, maps, busy] of [
  [800, 2, 0],
  [400, 2000, 0],
  [300, 2000, 2],
]) {
  test(`no byte gets lost that is written where another host's write has ended just now: ${maps} maps, ${busy} busy threads`, {
    skip,
  }, async () => {
    await using cluster = await MountCluster.start();
    await extend.run([rounds, maps, busy, ...cluster.mounts.map((mount) => mount.at("log"))]);
  });
}

/**
 * A file each time: what has been dirty for 30 s the kernel writes down by itself (vm.dirty_expire_centisecs), and from Linux 6.17 on
 * that may lose what is written behind the end just then (docs/mounting.md).
 */
test("nor where a program of this host has appended just now", { skip }, async () => {
  await using cluster = await MountCluster.start({ mounts: 1 });
  for (let file = 0; file < 10; file++) await extend.run([100, 2000, 2, cluster.mounts[0].at(`log ${file}`)]);
});

/** Of these the mount does not know which calls their questions come from, nor whether that keeps a lock: it may take longer. */
test("programs of another pid namespace go on, and lose nothing either", { skip }, async () => {
  await using cluster = await MountCluster.start();
  const paths = cluster.mounts.map((mount) => mount.at("log"));
  await extend.run([40, 2, 0, ...paths], undefined, ["unshare", "--pid", "--fork"]);
});
