import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { pageBytes } from "../../src/core/units.js";
import { writeStampedFile } from "../stamped-pages.js";
import { freshFile } from "./file-calls.js";
import type { MountBenchmark } from "./mount-benchmark.js";

const run = promisify(execFile);

async function megabytesPerSecond(byteLength: number, act: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await act();
  return byteLength / ((performance.now() - start) * 1000);
}

const copyFrom: MountBenchmark = {
  name: "mount: cp from, cold",
  unit: "MB/s",
  isRate: true,
  expected: "ahead of sshfs",
  async sample(volume, { copyBytes }, id) {
    const path = await freshFile(volume, `from-${id}.bin`, copyBytes / pageBytes);
    const figure = await megabytesPerSecond(copyBytes, () => run("cp", [path, "/dev/null"]));
    await rm(path);
    return figure;
  },
};

const copyTo: MountBenchmark = {
  name: "mount: cp to, and sync",
  unit: "MB/s",
  isRate: true,
  expected: "ahead of sshfs",
  async sample(volume, { copyBytes }, id) {
    using source = temporaryFile();
    const path = join(volume.mounts[0], `to-${id}.bin`);
    await writeStampedFile(source.path, copyBytes / pageBytes);
    const copy = () => run("sh", ["-c", 'cp "$0" "$1" && sync "$1"', source.path, path]);
    const figure = await megabytesPerSecond(copyBytes, copy);
    await rm(path);
    return figure;
  },
};

function temporaryFile(): Disposable & { readonly path: string } {
  const folder = mkdtempSync(join(tmpdir(), "dmmap-bench-source-"));
  return { path: join(folder, "source"), [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}

export const copies: readonly MountBenchmark[] = [copyFrom, copyTo];
