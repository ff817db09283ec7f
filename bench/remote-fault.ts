import { join } from "node:path";
import { connect } from "../src/index.js";
import type { Benchmark } from "./benchmark.js";
import { cReference } from "./c-reference.js";
import { openHome } from "./cluster.js";
import { shuffledPages, touchPages, writeStampedFile } from "./stamped-pages.js";

const fileName = "remote.bin";
/** Far apart, so that no page comes along with another's answer. */
const stride = 33;

/** A node that has nothing cached touches pages in no order: each is fetched from the home alone. */
export const remoteFault: Benchmark = {
  name: "remote fault",
  unit: "µs",
  reference: "C: uffd, 4 KiB over TCP",
  target: "≤ 2",
  warmUps: 4,
  async open({ faults }) {
    const home = await openHome();
    const path = join(home.folder, fileName);
    await writeStampedFile(path, faults * stride);
    const pages = shuffledPages(faults, stride);
    // One node for all rounds: a new one would run new, not yet compiled code. Closing the file empties its cache.
    const volume = await connect(home.url);
    return {
      reference: await cReference("remote-fault", [path, faults, stride]),
      dmmap: async () => {
        await using file = await volume.open(fileName);
        await using map = await file.map({ offset: 0, length: file.size, sharing: "shared", access: "readWrite" });
        return touchPages(map.buffer, pages);
      },
      close: async () => {
        await volume.close();
        await home.close();
      },
    };
  },
};
