import { readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";

const bytesMin = 5_000_000;

export interface RealFile {
  readonly path: string;
  readonly name: string;
  readonly size: number;
}

/** The largest file of the project's own dependencies: some compiler's binary. The same one on every run. */
export function findRealFile(): RealFile {
  const root = new URL("../../../node_modules/", import.meta.url).pathname;
  let largest: RealFile | undefined;
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const { size } = statSync(path);
    const wins = largest === undefined || size > largest.size || (size === largest.size && path < largest.path);
    if (wins) largest = { path, name: basename(path), size };
  }
  if (largest === undefined || largest.size < bytesMin) {
    throw new Error(`no file of ${bytesMin} bytes or more in ${root}. Try: npm ci`);
  }
  return largest;
}
