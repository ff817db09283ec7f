import { after, test } from "node:test";
import { lacksFuse } from "../support/requires.js";
import { CompiledProgram } from "./compiled-program.js";
import { MountCluster } from "./mount-cluster.js";

const skip = lacksFuse();
const ends = new CompiledProgram("ends");
after(() => ends[Symbol.dispose]());

/** Another seed finds other orders: `DMMAP_SEED=123 npm test -- --only-tests test/mount/ends.test.ts`. */
const firstSeed = Number(process.env.DMMAP_SEED ?? 1);
const rounds = 4;
const secondsEach = 4;

/**
 * What programs wait for in their kernels, and what the kernels have to drop or to be told meanwhile, must never form a circle. Most
 * of those that there were took a mount that did not run for some time.
 */
for (const kind of ["records", "all"]) {
  for (const writers of [2, 4]) {
    test(`programs that append to one file through two mounts' caches wait for nobody for ever: ${kind}, ${writers} programs`, {
      skip,
    }, async () => {
      await using cluster = await MountCluster.start({ options: ["--direct-io", "never"] });
      // What is stored to a file that another host cuts may be lost with that, and then the mount says so.
      if (kind === "all") for (const mount of cluster.mounts) mount.isQuiet = false;
      const stopped = cluster.mounts.map(({ program }) => program.child.pid).join(",");
      for (let seed = firstSeed; seed < firstSeed + rounds; seed++) {
        const paths = Array.from({ length: writers }, (_, at) => cluster.mounts[at % 2].at(`${kind} ${seed}`));
        await ends.run([seed, secondsEach, kind, stopped, ...paths]);
      }
    });
  }
}
