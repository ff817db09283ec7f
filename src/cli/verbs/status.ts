import type { FencedEvent, HomeCounters, HomeFileStatus, HomeNodeStatus, HomeStatus } from "../../observe/status.js";
import { formatByteSize } from "../byte-size.js";
import { defineCommand } from "../command.js";
import { formatSeconds } from "../duration.js";
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
  notes: ["The node that asks is in the list too. Counters begin at the home's start."],
  examples: ["dmmap status dmmap://127.0.0.1:7400", "dmmap status --json dmmap://127.0.0.1:7400"],
  async run([url], options) {
    const found = await withVolume(parseVolume(url), async (volume) => await volume.status());
    if (options.json) return printJson(found);
    printLines([
      ...facts(homeFacts(found)),
      "",
      ...titled(`Nodes: ${found.nodes.length}`, nodeTable(found.nodes)),
      "",
      ...titled(`Open files: ${found.openFiles}`, found.files.length === 0 ? [] : fileTable(found.files)),
      "",
      ...titled("Fenced last", found.fencings.length === 0 ? [] : fencingTable(found.fencings)),
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

function nodeTable(nodes: readonly HomeNodeStatus[]): string[] {
  const rows = nodes.map(({ node, name, address, state, files, tokens, lastHeardMillis }) => [
    String(node),
    name,
    address,
    state,
    String(files),
    String(tokens),
    `${formatSeconds(lastHeardMillis / 1000)} ago`,
  ]);
  return columns([["NODE", "NAME", "ADDRESS", "STATE", "FILES", "TOKENS", "HEARD"], ...rows], [0, 4, 5]);
}

function fileTable(files: readonly HomeFileStatus[]): string[] {
  const rows = files.map((file) => [
    file.name,
    String(file.sizeBytes),
    file.policy,
    ...[file.nodes, file.readers, file.writers, file.waiters, file.segments, file.locks].map(String),
  ]);
  const head = ["NAME", "SIZE", "POLICY", "NODES", "READERS", "WRITERS", "WAITERS", "SEGMENTS", "LOCKS"];
  return columns([head, ...rows], [1, 3, 4, 5, 6, 7, 8]);
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
    ["data sent to nodes", formatByteSize(counters.dataBytes)],
    ["data written by nodes", formatByteSize(counters.writeBytes)],
    ["syncs", counters.syncs],
    ["syncs that failed", counters.syncsFailed],
    ["nodes fenced", counters.fenced],
    ["protocol errors", counters.protocolErrors],
  ];
}
