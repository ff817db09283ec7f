import { basename } from "node:path";
import { defineCommand, UsageError } from "../command.js";
import { intoFolder, parseFile, parseLocation } from "../location.js";
import { withVolume } from "../volume.js";

export const mv = defineCommand({
  summary: "rename a file within its volume",
  arguments: [
    { name: "FROM", description: "dmmap://HOST:PORT/path/file" },
    { name: "TO", description: "dmmap://HOST:PORT/path/other; a folder (…/) takes the name of FROM" },
  ],
  options: {},
  notes: ["Like mv, it replaces a file that has the new name. Maps of the renamed file go on."],
  examples: ["dmmap mv dmmap://127.0.0.1:7400/model.bin dmmap://127.0.0.1:7400/old/model.bin"],
  async run([fromUrl, toUrl]) {
    const from = parseFile(fromUrl);
    const to = intoFolder(parseLocation(toUrl), basename(from.name));
    if (from.volume !== to.volume) {
      throw new UsageError(`${from.volume} and ${to.volume} are two volumes: get from one and put into the other`);
    }
    await withVolume(from.volume, async (volume) => await volume.rename(from.name, to.name));
  },
});
