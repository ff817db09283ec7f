import { join } from "node:path";
import { pageBytes } from "../src/core/units.js";
import { connect } from "../src/index.js";
import type { Benchmark } from "./benchmark.js";
import { cReference } from "./c-reference.js";
import { openHome } from "./cluster.js";
import { shuffledPages, touchPages, writeStampedFile } from "./stamped-pages.js";

const fileName = "local.bin";
const stride = 5;

/** The token is held and every page cached: a new map's first touches are answered by the pager alone. */
export const localFault: Benchmark = {
  name: "local fault",
  unit: "µs",
  reference: "C: uffd MINOR + CONTINUE",
  target: "≤ 1.5",
  warmUps: 6,
  async open({ faults }) {
    const home = await openHome();
    await writeStampedFile(join(home.folder, fileName), faults * stride);
    const volume = await connect(home.url);
    const file = await volume.open(fileName);
    const keeper = await file.map({ offset: 0, length: file.size, sharing: "shared", access: "readWrite" });
    await keeper.prefetch(0, faults * stride * pageBytes, "read");
    const pages = shuffledPages(faults, stride);
    return {
      reference: await cReference("local-fault", [faults, stride]),
      dmmap: async () => {
        await using map = await file.map({ offset: 0, length: file.size, sharing: "shared", access: "readWrite" });
        return touchPages(map.buffer, pages);
      },
      close: async () => {
        await keeper.close();
        await file.close();
        await volume.close();
        await home.close();
      },
    };
  },
};
