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

for (const [what, byteLength, directIo] of [
  ["parts of one page", 8, "never"],
  ["parts of one page", 8, "auto"],
  ["parts of one page", 8, "always"],
  ["one page as a whole", 4096, "never"],
  ["one page as a whole", 4096, "always"],
] as const) {
  test(`hosts that write ${what}, which others read all the time, each have their turn (--direct-io ${directIo})`, {
    skip,
  }, async (context) => {
    await using cluster = await MountCluster.start({ options: ["--direct-io", directIo] });
    const paths = cluster.mounts.map((mount) => mount.at("file"));
    context.diagnostic(await contended.run([writes, secondsMax, byteLength, ...paths]));
  });
}
