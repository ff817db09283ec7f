import { join } from "node:path";
import { connect, type FileMap, type Volume } from "../src/index.js";
import type { Benchmark } from "./benchmark.js";
import { cReference } from "./c-reference.js";
import { openHome } from "./cluster.js";
import { shuffledPages, storeToPages, touchPages, writeStampedFile } from "./stamped-pages.js";

const stride = 2;

/**
 * Stores to pages that are cached and mapped for reading, which nobody else holds. Another node holds the page between
 * every two for writing, so that no upgrade grows over its neighbours: each is one question to the home and its answer,
 * without data and without a revoke.
 */
export const writeUpgrade: Benchmark = {
  name: "write upgrade",
  unit: "µs",
  reference: "C: uffd WP, 64 B over TCP",
  target: "none set",
  warmUps: 4,
  async open({ faults }) {
    const count = faults / 4;
    const home = await openHome();
    const pages = shuffledPages(count, stride);
    const neighbours = pages.map((page) => page + 1);
    const volumes = await Promise.all([connect(home.url), connect(home.url), connect(home.url)]);
    let round = 0;
    return {
      reference: await cReference("write-upgrade", [count, stride]),
      dmmap: async () => {
        const fileName = `upgrade-${round++}.bin`;
        await writeStampedFile(join(home.folder, fileName), count * stride);
        await using upgrader = await openFile(volumes[0], fileName);
        await using neighbour = await openFile(volumes[1], fileName);
        storeToPages(neighbour.map.buffer, neighbours);
        storeToPages(upgrader.map.buffer, pages);
        await readElsewhere(volumes[2], fileName, pages);
        const micros = storeToPages(upgrader.map.buffer, pages);
        touchPages(upgrader.map.buffer, pages, 2);
        return micros;
      },
      close: async () => {
        for (const volume of volumes) await volume.close();
        await home.close();
      },
    };
  },
};

/** Makes the writer of these pages a reader of them, and then its only one. */
async function readElsewhere(volume: Volume, fileName: string, pages: Float64Array): Promise<void> {
  await using reader = await openFile(volume, fileName);
  touchPages(reader.map.buffer, pages, 1);
}

interface MappedFile extends AsyncDisposable {
  readonly map: FileMap;
}

async function openFile(volume: Volume, fileName: string): Promise<MappedFile> {
  const file = await volume.open(fileName);
  const map = await file.map({ offset: 0, length: file.size, sharing: "shared", access: "readWrite" });
  return {
    map,
    [Symbol.asyncDispose]: async () => {
      await map.close();
      await file.close();
    },
  };
}
