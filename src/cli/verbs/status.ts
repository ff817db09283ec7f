import { formatByteSize, formatSeconds } from "../../observe/quantities.js";
import type { FencedEvent, HomeCounters, HomeStatus } from "../../observe/status.js";
import { defineCommand } from "../command.js";
import { countedNodeTable, fileTable } from "../home-tables.js";
import { parseVolume } from "../location.js";
import { printJson, printLines } from "../print.js";
import { columns, facts, titled } from "../table.js";
import { withVolume } from "../volume.js";

const fencingsMax = 10;

export const status = defineCommand({
  summary: "a home, its nodes and its open files",
  arguments: [{ name: "URL", description: "dmmap://HOST:PORT" }],
  options: {
    json: { type: "boolean", description: "the whole status as one object" },
  },
  notes: [
    "The node that asks is in the list too. Counters begin at the home's start, those of a node when it",
    "connected. DATA OUT and DATA IN are bytes of pages, to the node and from it. A mount keeps files open",
    "for some seconds after their last close, also such as have been removed.",
  ],
  examples: ["dmmap status dmmap://127.0.0.1:7400", "dmmap status --json dmmap://127.0.0.1:7400"],
  async run([url], options) {
    const found = await withVolume(parseVolume(url), async (volume) => await volume.status());
    if (options.json) return printJson(found);
    printLines([
      ...facts(homeFacts(found)),
      "",
      ...titled(`Nodes: ${found.nodeCount}`, countedNodeTable(found.nodes)),
      "",
      ...titled(`Open files: ${found.openFiles}`, fileTable(found.files)),
      "",
      ...(found.fencings.length === 0 ? ["Fenced last: none"] : titled("Fenced last", fencingTable(found.fencings))),
      "",
      ...titled("Since its start", facts(counterFacts(found.counters))),
    ]);
  },
});

function homeFacts(home: HomeStatus): [string, string][] {
  const rows: [string, string][] = [
    ["home", home.url],
    ["folder", home.store],
    ["process", `${home.pid}, up ${formatSeconds(home.uptimeMillis / 1000)}`],
    ["memory", `${formatByteSize(home.memory.residentBytes)} resident`],
    ["lease", formatSeconds(home.leaseMillis / 1000)],
  ];
  if (home.refusedBytes > 0) {
    rows.push(["disk", `refuses ${formatByteSize(home.refusedBytes)}, kept in memory until it takes them`]);
  }
  return rows;
}

function fencingTable(fencings: readonly FencedEvent[]): string[] {
  const rows = fencings.slice(0, fencingsMax).map(({ atMillis, node, name, reason, files }) => {
    const ranges = files.flatMap((file) => file.ranges.map(([start, end]) => `${file.name} ${start}..${end - 1}`));
    return [new Date(atMillis).toISOString(), String(node), name, ranges.join(", ") || "nothing", reason];
  });
  return columns([["AT", "NODE", "NAME", "HELD FOR WRITING (PAGES)", "REASON"], ...rows], [1]);
}

function counterFacts(counters: Readonly<HomeCounters>): [string, string | number][] {
  return [
    ["grants", counters.grants],
    ["upgrades without data", counters.upgrades],
    ["revokes", counters.revokes],
    ["requests", counters.requests],
    ["locks", counters.locks],
    ["recalls", counters.recalls],
    ["data sent to nodes", formatByteSize(counters.dataBytes)],
    ["data written by nodes", formatByteSize(counters.writeBytes)],
    ["syncs", counters.syncs],
    ["syncs that failed", counters.syncsFailed],
    ["nodes fenced", counters.fenced],
    ["protocol errors", counters.protocolErrors],
  ];
}
