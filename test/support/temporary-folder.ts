import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder for the length of one test: `using folder = temporaryFolder();` or `after(() => folder[Symbol.dispose]())`. */
export interface TemporaryFolder {
  readonly path: string;
  /** The absolute path of a name in it. */
  at(...names: string[]): string;
  [Symbol.dispose](): void;
}

export function temporaryFolder(): TemporaryFolder {
  const path = mkdtempSync(join(tmpdir(), "dmmap-test-"));
  return {
    path,
    at: (...names) => join(path, ...names),
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}
