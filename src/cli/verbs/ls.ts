import { DmmapError } from "../../core/error.js";
import type { FileStat } from "../../core/wire/control.js";
import type { Volume } from "../../index.js";
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
    const listed = await withVolume(volumeUrl, async (volume) => {
      const files = (await volume.list({ prefix: folder })).filter((file) => isIn(folder, file));
      if (files.length === 0 && folder !== "") await requireFolder(volume, folder);
      return files;
    });
    if (options.json) return printJson(listed);
    printLines(options.long ? table(listed) : listed.map((file) => file.name));
  },
});

/** One in which there are no files is listed as nothing. */
async function requireFolder(volume: Volume, path: string): Promise<void> {
  const { kind } = await volume.lstat(path);
  if (kind === "folder") return;
  throw new DmmapError("DMMAP_NOT_FOUND", `${path} is neither a file nor a folder, but of the kind ${kind}`);
}

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
