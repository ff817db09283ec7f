import { DmmapError } from "../../core/error.js";
import type { FileStat } from "../../core/wire/control.js";
import { defineCommand } from "../command.js";
import { parseLocation } from "../location.js";
import { printJson, printLines } from "../print.js";
import { columns } from "../table.js";
import { withVolume } from "../volume.js";

export const ls = defineCommand({
  summary: "list the files of a volume, or of a folder in it",
  arguments: [{ name: "URL", description: "dmmap://HOST:PORT or dmmap://HOST:PORT/path" }],
  options: {
    long: { type: "boolean", short: "l", description: "with size, bytes on disk, policy and time of change" },
    json: { type: "boolean", description: "an array of {name, size, policy, modifiedMillis, allocatedBytes}" },
  },
  notes: ["Lists files with their whole names, in folders too, sorted by name. Sizes are in bytes."],
  examples: ["dmmap ls dmmap://127.0.0.1:7400", "dmmap ls -l dmmap://127.0.0.1:7400/models"],
  async run([url], options) {
    const { volume: volumeUrl, name } = parseLocation(url);
    const folder = name.replace(/\/+$/, "");
    const files = await withVolume(volumeUrl, async (volume) => await volume.list({ prefix: folder }));
    const listed = files.filter((file) => isIn(folder, file));
    if (listed.length === 0 && folder !== "") throw new DmmapError("DMMAP_NOT_FOUND", `nothing is called ${folder}`);
    if (options.json) return printJson(listed);
    printLines(options.long ? table(listed) : listed.map((file) => file.name));
  },
});

/** A prefix of the names is not yet a folder: `models` is in front of `models-old/a` too. */
function isIn(folder: string, file: FileStat): boolean {
  return folder === "" || file.name === folder || file.name.startsWith(`${folder}/`);
}

function table(files: readonly FileStat[]): string[] {
  const rows = files.map(({ name, size, allocatedBytes, policy, modifiedMillis }) => [
    String(size),
    String(allocatedBytes),
    policy,
    new Date(modifiedMillis).toISOString().slice(0, 19),
    name,
  ]);
  return columns([["SIZE", "ON DISK", "POLICY", "CHANGED (UTC)", "NAME"], ...rows], [0, 1]);
}
