import { formatByteSize } from "../../observe/quantities.js";
import { defineCommand } from "../command.js";
import { parseFile } from "../location.js";
import { printJson, printLines } from "../print.js";
import { facts } from "../table.js";
import { withVolume } from "../volume.js";

export const stat = defineCommand({
  summary: "size, policy and time of change of a file",
  arguments: [{ name: "URL", description: "dmmap://HOST:PORT/path/file" }],
  options: {
    json: { type: "boolean", description: "one object {name, size, policy, modifiedMillis, allocatedBytes}" },
  },
  examples: ["dmmap stat dmmap://127.0.0.1:7400/model.bin", "dmmap stat --json dmmap://127.0.0.1:7400/model.bin"],
  async run([url], options) {
    const { volume: volumeUrl, name } = parseFile(url);
    const found = await withVolume(volumeUrl, async (volume) => await volume.stat(name));
    if (options.json) return printJson(found);
    printLines(
      facts([
        ["name", found.name],
        ["size", `${found.size} bytes (${formatByteSize(found.size)})`],
        ["on disk", `${found.allocatedBytes} bytes${found.allocatedBytes < found.size ? " (sparse)" : ""}`],
        ["policy", found.policy],
        ["changed", new Date(found.modifiedMillis).toISOString()],
      ]),
    );
  },
});
