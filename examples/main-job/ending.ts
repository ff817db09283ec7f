import { DmmapError, type NodeMetrics } from "dmmap";
import type { Story } from "./story.js";

/** What it cost each node, from its own counters. */
export function tellCosts(story: Story, metrics: readonly NodeMetrics[]): void {
  story.chapter("What it cost");
  const rows = metrics.map((node, index) => [
    `node ${index + 1}`,
    String(node.faults),
    String(node.grants + node.fetches),
    (node.dataPages / 256).toFixed(1),
    (node.writePages / 256).toFixed(1),
    String(node.upgrades),
    String(node.revokes),
    node.faults === 0 ? "-" : String(Math.round(node.faultMicros / node.faults)),
  ]);
  story.table([["", "faults", "transfers", "MiB in", "MiB out", "upgrades", "revokes", "µs per fault"], ...rows]);
}

export function tellNext(url: string, page: string): void {
  const dmmap = "node dist/src/cli/main.js";
  console.log(`
The home and the three nodes stay up. See who holds what: ${page}
Try, in another terminal, in this folder:

  ${dmmap} ls -l ${url}
  ${dmmap} status ${url}
  ${dmmap} top ${url} --count 1
  ${dmmap} tokens ${url} shared-state.bin
  ${dmmap} put README.md ${url}/
  ${dmmap} get ${url}/README.md -
  ${dmmap} doctor

Ctrl-C ends it.`);
}

export function explain(error: unknown): string[] {
  if (error instanceof DmmapError && error.code === "DMMAP_PORT_IN_USE") {
    return [`npm start: ${error.message} (${error.code})`, "try: npm start -- --listen 127.0.0.1:0"];
  }
  if (error instanceof DmmapError)
    return [`npm start: ${error.message} (${error.code})`, "try: node dist/src/cli/main.js doctor"];
  return [`npm start: ${error instanceof Error ? error.message : String(error)}`];
}
