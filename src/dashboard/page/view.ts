import { html, nothing, svg, type TemplateResult } from "lit-html";
import { busiestFirst } from "../../observe/busiest.js";
import { counterMeanings } from "../../observe/counter-meanings.js";
import { formatByteSize, formatRate, formatSeconds } from "../../observe/quantities.js";
import type { NodeRates } from "../../observe/rates.js";
import type {
  FencedEvent,
  FileTokensStatus,
  HomeFileStatus,
  HomeNodeStatus,
  HomeStatus,
} from "../../observe/status.js";
import { type Bar, barsOf } from "./token-map.js";

const filesMax = 100;
/** Of one that was fenced. */
const rangesMax = 10;
/** What the home does with a node per second. */
const nodeColumns = [
  { key: "acquires", head: "acquires/s", format: formatRate },
  { key: "revokes", head: "revokes/s", format: formatRate },
  { key: "requests", head: "requests/s", format: formatRate },
  { key: "recalls", head: "recalls/s", format: formatRate },
  { key: "dataBytes", head: "data out/s", format: formatByteSize },
  { key: "writeBytes", head: "data in/s", format: formatByteSize },
] as const;
const fileHeads = [
  "name",
  "#size",
  "policy",
  "#nodes",
  "#readers",
  "#writers",
  "#waiters",
  "#segments",
  "#locks",
  "#locks waited for",
];
const barWidth = 1000;

/** What is being looked at. */
export interface Look {
  readonly status: HomeStatus;
  /** Since the look before, of those who were there then. */
  readonly nodeRates: NodeRates;
  /** The home has not answered since then. */
  readonly silentSince: Date | undefined;
  /** The file whose tokens are shown, and what it was told of them: null of one that nobody has open. */
  readonly chosen: string | undefined;
  readonly tokens: FileTokensStatus | null | undefined;
}

type Choose = (file: string | undefined) => void;

/** The home, and what should alarm. */
export function head({ status, silentSince }: Look): TemplateResult {
  const { url, store, pid, uptimeMillis, memory, leaseMillis, nodes, nodeCount, openFiles } = status;
  const tokens = nodes.reduce((sum, node) => sum + node.tokens, 0);
  const tiles: [string, string][] = [
    ["nodes", String(nodeCount)],
    ["open files", String(openFiles)],
    ["tokens", String(tokens)],
    ["memory", formatByteSize(memory.residentBytes)],
    ["up", formatSeconds(uptimeMillis / 1000)],
    ["lease", formatSeconds(leaseMillis / 1000)],
  ];
  return html`
    <header>
      <h1>dmmap <span class=${silentSince === undefined ? "live" : "silent"}>${silentSince === undefined ? "live" : "no answer"}</span></h1>
      <p><code>${url}</code> serves <code>${store}</code>, process ${pid}</p>
      <dl>${tiles.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
    </header>
    ${alarms(status, silentSince)}
  `;
}

function alarms(status: HomeStatus, silentSince: Date | undefined): TemplateResult | typeof nothing {
  const { refusedBytes, counters } = status;
  const lines = [
    silentSince === undefined
      ? ""
      : `The home has not answered since ${silentSince.toLocaleTimeString()}. This page goes on when it does.`,
    refusedBytes > 0 ? `The disk refuses ${formatByteSize(refusedBytes)}: kept in memory until it takes them.` : "",
    counters.syncsFailed > 0 ? `${counters.syncsFailed} syncs have failed since the home's start.` : "",
    counters.protocolErrors > 0
      ? `${counters.protocolErrors} connections have broken the protocol since the home's start.`
      : "",
  ].filter((line) => line !== "");
  return lines.length === 0
    ? nothing
    : html`<ul class="alarms" role="alert">${lines.map((line) => html`<li>${line}</li>`)}</ul>`;
}

/** Nodes, files, with the tokens of the one that was chosen below it. */
export function tables(look: Look, choose: Choose): TemplateResult {
  const { status } = look;
  return html`
    ${nodeTable(status, look.nodeRates)}
    ${fileTable(look, choose)}
    ${status.fencings.length === 0 ? nothing : fencingTable(status.fencings)}
  `;
}

function nodeTable({ nodes, nodeCount }: HomeStatus, nodeRates: NodeRates): TemplateResult {
  const row = ({ node, name, address, state, files, tokens, lastHeardMillis }: HomeNodeStatus) => {
    const rates = nodeRates.get(node);
    return html`<tr>
      <td class="number">${node}</td>
      <td>${name}</td>
      <td>${address}</td>
      <td class=${state}>${state}</td>
      <td class="number">${files}</td>
      <td class="number">${tokens}</td>
      <td class="number">${formatSeconds(lastHeardMillis / 1000)} ago</td>
      ${nodeColumns.map(({ key, format }) => {
        const rate = rates?.[key] ?? 0;
        return html`<td class=${rate === 0 ? "number none" : "number"}>${rates === undefined ? "" : format(rate)}</td>`;
      })}
    </tr>`;
  };
  const heads = [
    ...["#node", "name", "address", "state", "#files", "#tokens", "#heard"],
    ...nodeColumns.map(({ head }) => `#${head}`),
  ];
  return table("nodes", `Nodes: ${nodeCount}`, heads, nodes.map(row), "Nobody is connected.");
}

function fileTable({ status, chosen, tokens }: Look, choose: Choose): TemplateResult {
  const { files, openFiles } = status;
  const shown = busiestFirst(files).slice(0, filesMax);
  const detailed = shown.find(({ name }) => name === chosen); // Removed ones may have the name of another.
  const row = (file: HomeFileStatus) => {
    const isChosen = file === detailed;
    const numbers = [
      file.nodes,
      file.readers,
      file.writers,
      file.waiters,
      file.segments,
      file.locks,
      file.locksWaiting,
    ];
    return html`<tr class=${isChosen ? "chosen" : ""}>
      <td><button aria-pressed=${isChosen} @click=${() => choose(isChosen ? undefined : file.name)}>${file.name}</button>${file.isRemoved ? html` <span class="dim">removed</span>` : nothing}</td>
      <td class="number">${formatByteSize(file.sizeBytes)}</td>
      <td>${file.policy}</td>
      ${numbers.map((number) => html`<td class=${number === 0 ? "number none" : "number"}>${number}</td>`)}
    </tr>
    ${isChosen ? html`<tr><td colspan=${fileHeads.length} class="detail">${tokenMap(file.name, tokens, choose)}</td></tr>` : nothing}`;
  };
  const left = openFiles - shown.length;
  const title = `Open files: ${openFiles}${left > 0 ? `, ${left} of them not shown` : ""}`;
  const rows = shown.map(row);
  // Of one that is not among them any more.
  const rest = chosen === undefined || detailed !== undefined ? nothing : tokenMap(chosen, tokens, choose);
  return html`${table("files", title, fileHeads, rows, "No file is open.")}${rest}`;
}

function fencingTable(fencings: readonly FencedEvent[]): TemplateResult {
  const row = ({ atMillis, node, name, files, reason }: FencedEvent) => {
    const ranges = files.flatMap((file) => file.ranges.map(([start, end]) => `${file.name} ${start}..${end - 1}`));
    return html`<tr>
      <td>${new Date(atMillis).toLocaleString()}</td>
      <td class="number">${node}</td>
      <td>${name}</td>
      <td class="prose">${shortened(ranges) || "nothing"}</td>
      <td class="prose">${reason}</td>
    </tr>`;
  };
  return table(
    "fencings",
    "Fenced last",
    ["at", "#node", "name", "held for writing (pages)", "reason"],
    fencings.map(row),
    "",
  );
}

/** The first of them; `dmmap status --json` has them all. */
function shortened(ranges: readonly string[]): string {
  const left = ranges.length - rangesMax;
  return ranges.slice(0, rangesMax).join(", ") + (left > 0 ? `, and ${left} more` : "");
}

/** A `#` before a heading: a column of numbers. */
function table(
  id: string,
  title: string,
  heads: readonly string[],
  rows: readonly TemplateResult[],
  none: string,
): TemplateResult {
  const cell = (name: string) => {
    const { key } = nodeColumns.find(({ head }) => name === `#${head}`) ?? {};
    const meaning = key === undefined ? nothing : counterMeanings[key];
    return html`<th class=${name.startsWith("#") ? "number" : ""} title=${meaning}>${name.replace("#", "")}</th>`;
  };
  const body = html`<div class="scrolls"><table id=${id}><thead><tr>${heads.map(cell)}</tr></thead><tbody>${rows}</tbody></table></div>`;
  return html`<section><h2>${title}</h2>${rows.length === 0 ? html`<p class="dim">${none}</p>` : body}</section>`;
}

function tokenMap(name: string, tokens: FileTokensStatus | null | undefined, choose: Choose): TemplateResult {
  return html`<section id="tokens">
    <h2>Who holds what of ${name} <button @click=${() => choose(undefined)}>close</button></h2>
    ${tokens === undefined ? nothing : tokens === null ? html`<p class="dim">Nobody has it open.</p>` : bars(tokens)}
  </section>`;
}

function bars(tokens: FileTokensStatus): TemplateResult {
  const found = barsOf(tokens, barWidth);
  const row = ({ node, name, pages, pieces }: Bar) => html`<tr>
    <td class="number">${node}</td>
    <td class="short" title=${name}>${name}</td>
    <td class="number">${pages}</td>
    <td class="bar"><svg viewBox="0 0 ${barWidth} 10" preserveAspectRatio="none" role="img" aria-label="${pages} pages">
      ${pieces.map(({ mode, from, to }) => svg`<rect class=${mode} x=${from * barWidth} width=${Math.max(1, (to - from) * barWidth)} height="10"></rect>`)}
    </svg></td>
  </tr>`;
  const legend = html`<span class="legend"><i class="read"></i>read <i class="write"></i>write</span>`;
  const title = html`${formatByteSize(tokens.sizeBytes)}, epoch ${tokens.epoch}, ${tokens.waiters} waiting ${legend}`;
  const heads = html`<tr><th class="number">node</th><th>name</th><th class="number">pages</th><th>from the start of the file to its end</th></tr>`;
  if (found.length === 0) return html`<p class="dim">${title}: nobody holds a token.</p>`;
  return html`<p>${title}</p><div class="scrolls"><table><thead>${heads}</thead><tbody>${found.map(row)}</tbody></table></div>`;
}
