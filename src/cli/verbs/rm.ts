import { DmmapError } from "../../core/error.js";
import type { Volume } from "../../index.js";
import { defineCommand } from "../command.js";
import { type Location, parseFile } from "../location.js";
import { withVolume } from "../volume.js";

export const rm = defineCommand({
  summary: "remove files",
  arguments: [{ name: "URL", description: "dmmap://HOST:PORT/path/file", repeats: true }],
  options: {
    force: { type: "boolean", short: "f", description: "a file that is not there is fine" },
  },
  notes: ["A file that nodes have open lives on for them until they close it, as on any Unix filesystem."],
  examples: ["dmmap rm dmmap://127.0.0.1:7400/model.bin"],
  async run(urls, options) {
    // All are looked at before the first one goes.
    for (const location of urls.map(parseFile)) {
      await withVolume(location.volume, (volume) => remove(volume, location, options.force));
    }
  },
});

async function remove(volume: Volume, { name }: Location, mayBeMissing: boolean): Promise<void> {
  try {
    await volume.remove(name);
  } catch (error) {
    if (!mayBeMissing || !(error instanceof DmmapError) || error.code !== "DMMAP_NOT_FOUND") throw error;
  }
}
