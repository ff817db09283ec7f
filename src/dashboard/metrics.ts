import { Counter, Gauge, Registry } from "prom-client";
import type { HomeCounters, HomeFileStatus, HomeNodeStatus, HomeStatus } from "../observe/status.js";

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
  gauge("open_files", "Files that any node has open.", status.openFiles);
  gauge("nodes", "Nodes that are connected.", status.nodes.filter(({ state }) => state === "connected").length);
  gauge(
    "nodes_lost",
    "Nodes whose connection is gone and whose lease still runs.",
    status.nodes.filter(({ state }) => state === "lost").length,
  );
  for (const name of Object.keys(status.counters) as (keyof HomeCounters)[]) {
    const counter = new Counter({
      name: `dmmap_${snake(name)}_total`,
      help: `${name}, since the home's start.`,
      registers: [registry],
    });
    counter.inc(status.counters[name]);
  }
  addEach(registry, { kind: "node", labelNames: ["node", "name"] }, nodeGauges, status.nodes, ({ node, name }) => ({
    node: String(node),
    name,
  }));
  addEach(registry, { kind: "file", labelNames: ["name"] }, fileGauges, status.files, ({ name }) => ({ name }));
  return { type: registry.contentType, text: await registry.metrics() };
}

function addEach<Key extends string, Thing extends Record<Key, unknown>>(
  registry: Registry,
  { kind, labelNames }: { readonly kind: string; readonly labelNames: readonly string[] },
  gauges: Readonly<Record<Key, string>>,
  things: readonly Thing[],
  labelsOf: (thing: Thing) => Record<string, string>,
): void {
  for (const key of Object.keys(gauges) as Key[]) {
    const gauge = new Gauge({
      name: `dmmap_${kind}_${snake(key)}`,
      help: gauges[key],
      labelNames: [...labelNames], // Without any, a gauge that nobody sets has the value 0.
      registers: [registry],
    });
    for (const thing of things) gauge.set(labelsOf(thing), Number(thing[key]));
  }
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
