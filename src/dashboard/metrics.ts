import { Counter, Gauge, Registry } from "prom-client";
import { counterMeanings } from "../observe/counter-meanings.js";
import {
  type HomeCounters,
  type HomeFileStatus,
  type HomeNodeCounters,
  type HomeNodeStatus,
  type HomeStatus,
  newHomeNodeCounters,
} from "../observe/status.js";

const nodeGauges = {
  tokens: "Tokens that the node holds.",
  files: "Files that the node has open.",
} as const satisfies Partial<Record<keyof HomeNodeStatus, string>>;

const fileGauges = {
  sizeBytes: "Size of the open file.",
  readers: "Nodes that hold tokens for reading.",
  writers: "Nodes that hold tokens for writing.",
  waiters: "Acquires in line.",
  locks: "Locks that are held.",
  locksWaiting: "Locks that are waited for.",
} as const satisfies Partial<Record<keyof HomeFileStatus, string>>;

/** A status as Prometheus reads it (the text exposition format, https://prometheus.io/docs/instrumenting/exposition_formats/). */
export async function metricsOf(status: HomeStatus): Promise<{ readonly type: string; readonly text: string }> {
  const registry = new Registry();
  const gauge = (name: string, help: string, value: number) => {
    new Gauge({ name: `dmmap_${name}`, help, registers: [registry] }).set(value);
  };
  gauge("uptime_seconds", "Since the home's start.", status.uptimeMillis / 1000);
  gauge("resident_bytes", "Memory of the home's process.", status.memory.residentBytes);
  gauge(
    "refused_bytes",
    "Bytes that the disk refused and that are kept in memory until it takes them.",
    status.refusedBytes,
  );
  gauge("open_files", "Files that any node has open, removed ones too.", status.openFiles);
  gauge("nodes", "Nodes that are connected.", status.nodes.filter(({ state }) => state === "connected").length);
  gauge(
    "nodes_lost",
    "Nodes whose connection is gone and whose lease still runs.",
    status.nodes.filter(({ state }) => state === "lost").length,
  );
  for (const name of Object.keys(status.counters) as (keyof HomeCounters)[]) {
    const help = `Since the home's start: ${counterMeanings[name]}.`;
    const counter = new Counter({ name: `dmmap_${snake(name)}_total`, help, registers: [registry] });
    counter.inc(status.counters[name]);
  }
  addNodes(registry, status.nodes);
  addFiles(registry, status.files);
  return { type: registry.contentType, text: await registry.metrics() };
}

// Labels are named where there is nothing, too: without any, a metric that nobody sets has the value 0.

function addNodes(registry: Registry, nodes: readonly HomeNodeStatus[]): void {
  const common = { labelNames: ["node", "name"], registers: [registry] };
  const labels = ({ node, name }: HomeNodeStatus) => ({ node: String(node), name });
  for (const key of Object.keys(nodeGauges) as (keyof typeof nodeGauges)[]) {
    const gauge = new Gauge({ name: `dmmap_node_${snake(key)}`, help: nodeGauges[key], ...common });
    for (const node of nodes) gauge.set(labels(node), node[key]);
  }
  for (const key of Object.keys(newHomeNodeCounters()) as (keyof HomeNodeCounters)[]) {
    const help = `Of one node, since it connected: ${counterMeanings[key]}.`;
    const counter = new Counter({ name: `dmmap_node_${snake(key)}_total`, help, ...common });
    for (const node of nodes) counter.inc(labels(node), node.counters[key]);
  }
}

/** Those that have a name: of removed ones there may be many, with the name of another. */
function addFiles(registry: Registry, files: readonly HomeFileStatus[]): void {
  for (const key of Object.keys(fileGauges) as (keyof typeof fileGauges)[]) {
    const help = fileGauges[key];
    const gauge = new Gauge({ name: `dmmap_file_${snake(key)}`, help, labelNames: ["name"], registers: [registry] });
    for (const file of files) if (!file.isRemoved) gauge.set({ name: file.name }, file[key]);
  }
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
