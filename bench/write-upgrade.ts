import { join } from "node:path";
import { connect, type File } from "../src/index.js";
import type { Benchmark } from "./benchmark.js";
import { cReference } from "./c-reference.js";
import { openHome } from "./cluster.js";
import { shuffledPages, storeToPages, touchPages, writeStampedFile } from "./stamped-pages.js";

const stride = 2;

/**
 * Stores to pages that are cached and mapped for reading. Another node holds the page between every two for writing, so
 * that no upgrade grows over its neighbours: each is one question to the home and its answer, without data.
 */
export const writeUpgrade: Benchmark = {
  name: "write upgrade",
  unit: "µs",
  reference: "C: uffd WP, 64 B over TCP",
  target: "≤ 2",
  async open({ faults }) {
    const count = faults / 4;
    const home = await openHome();
    const pages = shuffledPages(count, stride);
    const neighbours = pages.map((page) => page + 1);
    let round = 0;
    return {
      reference: await cReference("write-upgrade", [count, stride]),
      dmmap: async () => {
        const fileName = `upgrade-${round++}.bin`;
        await writeStampedFile(join(home.folder, fileName), count * stride);
        await using upgrader = await openNode(home.url, fileName);
        await using neighbour = await openNode(home.url, fileName);
        // Twice, since a grant may have taken more than its page at first.
        for (let pass = 0; pass < 2; pass++) {
          storeToPages(neighbour.map.buffer, neighbours);
          touchPages(upgrader.map.buffer, pages);
        }
        const micros = storeToPages(upgrader.map.buffer, pages);
        touchPages(upgrader.map.buffer, pages, 1);
        return micros;
      },
      close: () => home.close(),
    };
  },
};

interface BenchNode extends AsyncDisposable {
  readonly map: Awaited<ReturnType<File["map"]>>;
}

async function openNode(url: string, fileName: string): Promise<BenchNode> {
  const volume = await connect(url);
  const file = await volume.open(fileName);
  const map = await file.map({ offset: 0, length: file.size, sharing: "shared", access: "readWrite" });
  return {
    map,
    [Symbol.asyncDispose]: async () => {
      await map.close();
      await file.close();
      await volume.close();
    },
  };
}
