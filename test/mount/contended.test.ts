import { after, test } from "node:test";
import { lacksFuse } from "../support/requires.js";
import { CompiledProgram } from "./compiled-program.js";
import { MountCluster } from "./mount-cluster.js";

const skip = lacksFuse();
const contended = new CompiledProgram("contended");
after(() => contended[Symbol.dispose]());
const writes = 1000;
/** Each takes some milliseconds; one that waits for as long as others go on would take all of the time that they take. */
const secondsMax = 3;

for (const [what, byteLength] of [
  ["parts of one page", 8],
  ["one page as a whole", 4096],
] as const) {
  test(`hosts that write ${what}, which others read all the time, each have their turn`, { skip }, async (context) => {
    await using cluster = await MountCluster.start();
    const paths = cluster.mounts.map((mount) => mount.at("file"));
    context.diagnostic(await contended.run([writes, secondsMax, byteLength, ...paths]));
  });
}
