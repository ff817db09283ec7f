import { type FileHandle, open, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import type { File } from "../../index.js";
import { defineCommand } from "../command.js";
import { parseFile } from "../location.js";
import { noteSlow } from "../note-slow.js";
import { ProgressBar } from "../progress-bar.js";
import { withVolumeForLong } from "../volume.js";

export const get = defineCommand({
  summary: "copy a file of a volume to a local one",
  arguments: [
    { name: "URL", description: "dmmap://HOST:PORT/path/file" },
    {
      name: "DEST",
      description: "local file or folder, or - for standard output; default: same name, here",
      optional: true,
    },
  ],
  options: {
    "no-clobber": { type: "boolean", short: "n", description: "fail if the local file is there already" },
  },
  notes: [
    "Like cp, it replaces the content of a local file that is there. It reads through the tokens, so",
    "what other nodes have stored in their maps is in the copy, synced or not. Zero pages become",
    "holes: a sparse file stays sparse.",
  ],
  examples: [
    "dmmap get dmmap://127.0.0.1:7400/model.bin",
    "dmmap get dmmap://127.0.0.1:7400/model.bin /tmp/copy.bin",
    "dmmap get dmmap://127.0.0.1:7400/numbers.txt - | tail",
  ],
  async run([url, dest = "."], options) {
    const location = parseFile(url);
    const path = dest === "-" ? undefined : await localPath(dest, basename(location.name));
    // The local file is opened, and so emptied, only once the other one is there.
    await withVolumeForLong(location.volume, async (volume) => {
      const file = await noteSlow(volume.open(location.name));
      if (path === undefined) return await fetchToOutput(file);
      await using target = await open(path, options["no-clobber"] ? "wx" : "w");
      await fetchToFile(file, target);
    });
  },
});

async function localPath(dest: string, name: string): Promise<string> {
  const isFolder = dest.endsWith("/") || (await isExistingFolder(dest));
  return isFolder ? join(dest, name) : dest;
}

async function isExistingFolder(path: string): Promise<boolean> {
  const stats = await stat(path).catch(() => undefined);
  return stats?.isDirectory() === true;
}

async function fetchToFile(file: File, target: FileHandle): Promise<void> {
  const { copyDeviceOut, copyFileOut } = await import("../copy-out.js");
  const isFile = (await target.stat()).isFile();
  await withBar(file, async (onProgress) => {
    if (isFile) return await copyFileOut(file, target, onProgress);
    await copyDeviceOut(file, target, onProgress);
  });
}

async function fetchToOutput(file: File): Promise<void> {
  const { copyStreamOut } = await import("../copy-out.js");
  await withBar(file, (onProgress) => copyStreamOut(file, process.stdout, onProgress));
}

async function withBar(file: File, copy: (onProgress: (doneBytes: number) => void) => Promise<void>): Promise<void> {
  const bar = new ProgressBar(`get ${file.name}`, file.size);
  try {
    await copy((doneBytes) => bar.reach(doneBytes));
  } catch (error) {
    bar.abandon();
    throw error;
  }
  bar.end();
}
