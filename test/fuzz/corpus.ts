import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Inputs that once led to something that no shorter one had led to, one a line: in the sources, not in the build. */
export function readCorpus(name: string): unknown[][] {
  const path = pathOf(name);
  if (!existsSync(path)) return [];
  return JSON.parse(readFileSync(path, "utf8")) as unknown[][];
}

export function writeCorpus(name: string, entries: readonly (readonly unknown[])[]): void {
  writeFileSync(pathOf(name), `[\n${entries.map((entry) => JSON.stringify(entry)).join(",\n")}\n]\n`);
}

function pathOf(name: string): string {
  return fileURLToPath(new URL(`../../../test/fuzz/corpora/${name}.json`, import.meta.url));
}
