import { writeFileSync } from "node:fs";
import { after, test } from "node:test";
import { directIoChoices } from "../../src/fuse/direct-io.js";
import { lacksFuse } from "../support/requires.js";
import { CompiledProgram } from "./compiled-program.js";
import { MountCluster } from "./mount-cluster.js";

const fsx = new CompiledProgram("fsx");
after(() => fsx[Symbol.dispose]());

/** Another seed finds other orders: `DMMAP_SEED=123 npm test -- --only-tests test/mount/fsx.test.ts`. */
const firstSeed = Number(process.env.DMMAP_SEED ?? 1);

// R4, R5, R6, R7: what fsx.c does in one process through two mounts, and its model.
for (const [index, directIo] of directIoChoices.entries()) {
  test(`random operations through two mounts agree with one model (--direct-io ${directIo})`, {
    skip: lacksFuse(),
  }, async () => {
    await using cluster = await MountCluster.start({ options: ["--direct-io", directIo] });
    for (let seed = firstSeed + 2 * index; seed < firstSeed + 2 * index + 2; seed++) {
      const paths = cluster.mounts.map((mount) => mount.at(`seed ${seed}`));
      writeFileSync(paths[0], "");
      await fsx.run([seed, 500, 0, 200_000, ...paths]);
    }
  });
}

test("so they do where offsets need more than 31, 32 and 40 bits (R8)", { skip: lacksFuse() }, async () => {
  await using cluster = await MountCluster.start();
  for (const [index, base] of [2 ** 31 - 8192, 2 ** 32 - 8192, 2 ** 40 - 8192].entries()) {
    const paths = cluster.mounts.map((mount) => mount.at(`base ${base}`));
    writeFileSync(paths[0], "");
    await fsx.run([firstSeed + index, 250, base, 40_000, ...paths]);
  }
});
