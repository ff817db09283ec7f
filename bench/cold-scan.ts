import { join } from "node:path";
import { pageBytes } from "../src/core/units.js";
import { connect } from "../src/index.js";
import type { Benchmark } from "./benchmark.js";
import { cReference } from "./c-reference.js";
import { openHome } from "./cluster.js";
import { touchPages, writeStampedFile } from "./stamped-pages.js";

const fileName = "scanned.bin";

/** A node that has nothing cached touches every page in order; readahead does what it can. */
export const coldScan: Benchmark = {
  name: "cold scan",
  unit: "MB/s",
  reference: "C: uffd, 1 MiB fetches",
  target: "≥ 0.5",
  warmUps: 3,
  async open({ scanBytes }) {
    const home = await openHome();
    const path = join(home.folder, fileName);
    const pageCount = scanBytes / pageBytes;
    await writeStampedFile(path, pageCount);
    const pages = Float64Array.from({ length: pageCount }, (_, page) => page);
    // One node for all rounds; closing the file empties its cache.
    const volume = await connect(home.url);
    return {
      reference: await cReference("scan", [path, pageCount]),
      dmmap: async () => {
        await using file = await volume.open(fileName);
        await using map = await file.map({ offset: 0, length: file.size, sharing: "shared", access: "readWrite" });
        return pageBytes / touchPages(map.buffer, pages);
      },
      close: async () => {
        await volume.close();
        await home.close();
      },
    };
  },
};
