import { visible } from "../kernel/visible.js";
import { busiestFirst } from "../observe/busiest.js";
import { formatByteSize, formatRate, formatSeconds } from "../observe/quantities.js";
import type { HomeRates } from "../observe/rates.js";
import type { HomeStatus } from "../observe/status.js";
import type { ScreenSize } from "./full-screen.js";
import { fileTable, nodeTable } from "./home-tables.js";
import { columns, titled } from "./table.js";

/** One look at a home. */
export interface Look {
  /** ISO 8601. */
  readonly at: string;
  readonly status: HomeStatus;
  /** Since the look before; null when there is none, or the home has been started anew since. */
  readonly rates: HomeRates | null;
}

/** A name is not shortened below this: then the end of the line is cut instead. */
const nameCellsMin = 12;
/** By how much `titled` moves a table to the right. */
const indentCells = 2;

/** What people see of a look: as much of it as there is room for, or all of it. */
export function lookLines({ status, rates }: Look, size?: ScreenSize): string[] {
  const { columns: width, rows } = size ?? { columns: Number.POSITIVE_INFINITY, rows: Number.POSITIVE_INFINITY };
  const head = [
    ...packed(headParts(status), width),
    ...packed(alarmParts(status), width),
    ...titled("Per second", rateTable(rates)),
  ];
  const files = busiestFirst(status.files);
  const room = Math.max(0, rows - head.length - headingRows(status.nodes) - headingRows(files));
  // Half for the nodes, and what the files leave of theirs.
  const nodesShown = Math.min(status.nodes.length, Math.max(Math.floor(room / 2), room - files.length));
  const filesShown = Math.min(files.length, room - nodesShown);
  return [
    ...head,
    ...titled(
      `Nodes: ${status.nodeCount}${leftOut(status.nodeCount - nodesShown)}`,
      fitted(status.nodes.slice(0, nodesShown), nodeTable, width - indentCells),
    ),
    ...titled(
      `Open files: ${status.openFiles}, busiest first${leftOut(status.openFiles - filesShown)}`,
      fitted(files.slice(0, filesShown), fileTable, width - indentCells),
    ),
  ]
    .slice(0, rows)
    .map((line) => cut(line, width));
}

function headParts(home: HomeStatus): string[] {
  return [
    home.url,
    home.store,
    `up ${formatSeconds(home.uptimeMillis / 1000)}`,
    `memory ${formatByteSize(home.memory.residentBytes)}`,
    `nodes ${home.nodeCount}`,
    `open files ${home.openFiles}`,
    `lease ${formatSeconds(home.leaseMillis / 1000)}`,
  ];
}

/** What should never happen, and has happened since the home's start. */
function alarmParts({ counters, refusedBytes }: HomeStatus): string[] {
  const parts = [
    ["nodes fenced", counters.fenced, String(counters.fenced)],
    ["syncs that failed", counters.syncsFailed, String(counters.syncsFailed)],
    ["protocol errors", counters.protocolErrors, String(counters.protocolErrors)],
    ["disk refuses", refusedBytes, formatByteSize(refusedBytes)],
  ] as const;
  const found = parts.filter(([, count]) => count > 0).map(([name, , text]) => `${name} ${text}`);
  return found.length === 0 ? [] : ["Alarm:", ...found];
}

/** Always the same columns, so that eyes need not look for them anew each second. As wide as 80 cells allow. */
function rateTable(rates: HomeRates | null): string[] {
  const cells: [string, keyof HomeRates, (rate: number) => string][] = [
    ["GRANTS", "grants", formatRate],
    ["UPGRADES", "upgrades", formatRate],
    ["REVOKES", "revokes", formatRate],
    ["LOCKS", "locks", formatRate],
    ["REQUESTS", "requests", formatRate],
    ["SYNCS", "syncs", formatRate],
    ["RECALLS", "recalls", formatRate],
    ["DATA OUT", "dataBytes", formatByteSize],
    ["DATA IN", "writeBytes", formatByteSize],
  ];
  const values = cells.map(([, name, format]) => (rates === null ? "-" : format(rates[name])));
  return columns([cells.map(([head]) => head), values], [...cells.keys()]);
}

/** A title, and the heading of a table with something in it. */
function headingRows(entries: readonly unknown[]): number {
  return entries.length === 0 ? 1 : 2;
}

function leftOut(count: number): string {
  return count > 0 ? `, ${count} left out` : "";
}

/** Words side by side, in as many lines as it takes. */
function packed(parts: readonly string[], width: number): string[] {
  const lines: string[] = [];
  for (const part of parts.map(visible)) {
    const longer = `${lines.at(-1)}  ${part}`;
    if (lines.length > 0 && longer.length <= width) lines[lines.length - 1] = longer;
    else lines.push(part);
  }
  return lines;
}

/** A table whose names, which have no bound, give way to its numbers. */
function fitted<Row extends { readonly name: string }>(
  rows: readonly Row[],
  table: (rows: readonly Row[]) => string[],
  width: number,
): string[] {
  const lines = table(rows);
  const cellsOver = Math.max(0, ...lines.map((line) => line.length)) - width;
  if (!(cellsOver > 0)) return lines;
  const longest = Math.max(...rows.map(({ name }) => visible(name).length));
  const cells = Math.max(nameCellsMin, longest - cellsOver);
  return table(rows.map((row) => ({ ...row, name: endOf(visible(row.name), cells) })));
}

/** Of a path its end says more than its beginning. */
function endOf(text: string, cells: number): string {
  const characters = Array.from(text);
  return characters.length <= cells ? text : `…${characters.slice(1 - cells).join("")}`;
}

function cut(line: string, cells: number): string {
  const characters = Array.from(line);
  return characters.length <= cells ? line : `${characters.slice(0, cells - 1).join("")}…`;
}
