import { pageEndAt } from "../../core/units.js";
import type { FileTokensStatus } from "../../observe/status.js";
import { defineCommand, UsageError } from "../command.js";
import { type Location, parseLocation } from "../location.js";
import { printJson, printLines } from "../print.js";
import { columns, facts } from "../table.js";
import { withVolume } from "../volume.js";

export const tokens = defineCommand({
  summary: "who holds which pages of a file",
  arguments: [
    { name: "URL", description: "dmmap://HOST:PORT, or dmmap://HOST:PORT/path/file" },
    { name: "FILE", description: "the file's name, unless the URL has it", optional: true },
  ],
  options: {
    json: {
      type: "boolean",
      description: "one object {name, sizeBytes, policy, epoch, waiters, segments, segmentCount}",
    },
  },
  notes: [
    "Pages are of 4096 bytes. The JSON has the tokens behind the end of file too.",
    "Of thousands, only the first are told.",
  ],
  examples: ["dmmap tokens dmmap://127.0.0.1:7400 ledger.bin", "dmmap tokens --json dmmap://127.0.0.1:7400/ledger.bin"],
  async run([url, file], options) {
    const { volume: volumeUrl, name } = locationOf(parseLocation(url), file);
    const found = await withVolume(volumeUrl, async (volume) => await volume.tokens(name));
    if (options.json) return printJson(found);
    printLines(page(found));
  },
});

function locationOf(location: Location, file: string | undefined): Location {
  if (file === undefined && location.name === "") throw new UsageError("FILE is missing");
  if (file !== undefined && location.name !== "") throw new UsageError("the file is named twice, in URL and FILE");
  return { volume: location.volume, name: file ?? location.name };
}

function page({ name, sizeBytes, policy, epoch, waiters, segments, segmentCount }: FileTokensStatus): string[] {
  const pageCount = pageEndAt(sizeBytes);
  // Tokens reach behind the end of file, so that a file may grow in peace; that says nothing to people.
  const rows = segments
    .filter(({ start }) => start < pageCount)
    .map((segment) => [
      segment.mode,
      String(segment.start),
      String(Math.min(segment.end, pageCount) - 1),
      String(segment.node),
      segment.name,
      String(segment.epoch),
    ]);
  return [
    ...facts([
      ["file", name],
      ["size", `${sizeBytes} bytes, ${pageCount} pages`],
      ["policy", policy],
      ["epoch", epoch],
      ["waiting", waiters],
    ]),
    "",
    ...(rows.length === 0
      ? ["Nobody holds a token."]
      : columns([["TOKEN", "FIRST PAGE", "LAST PAGE", "NODE", "NAME", "EPOCH"], ...rows], [1, 2, 3, 5])),
    ...(segmentCount === segments.length ? [] : [`${segmentCount - segments.length} more are not shown.`]),
  ];
}
