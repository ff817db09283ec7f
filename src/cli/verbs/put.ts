import { createReadStream } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { basename } from "node:path";
import type { Policy } from "../../core/units.js";
import type { File } from "../../index.js";
import { defineCommand, UsageError } from "../command.js";
import { intoFolder, type Location, parseLocation } from "../location.js";
import { noteSlow } from "../note-slow.js";
import { parsePolicy, policyOption } from "../policy.js";
import { ProgressBar } from "../progress-bar.js";
import { withVolumeForLong } from "../volume.js";

export const put = defineCommand({
  summary: "copy a local file into a volume",
  arguments: [
    { name: "SOURCE", description: "local file, or - for standard input" },
    { name: "URL", description: "dmmap://HOST:PORT/path/file; a folder or volume (…/) takes the source's name" },
  ],
  options: {
    "no-clobber": { type: "boolean", short: "n", description: "fail if the file is there already" },
    policy: { ...policyOption },
  },
  notes: [
    "Like cp, it replaces the content of a file that is there, in place: nodes that map it see the",
    "new content. The file keeps its policy. Done means on stable storage. Holes and zero pages of",
    "the source are not sent: a sparse file stays sparse. Folders in the name are made as needed.",
  ],
  examples: [
    "dmmap put model.bin dmmap://127.0.0.1:7400/",
    "dmmap put model.bin dmmap://127.0.0.1:7400/models/v2.bin --no-clobber",
    "seq 1000000 | dmmap put - dmmap://127.0.0.1:7400/numbers.txt",
  ],
  async run([source, url], options) {
    const wanted = parsePolicy(options.policy);
    const target = targetOf(source, parseLocation(url));
    await using input = await openSource(source);
    await withVolumeForLong(target.volume, async (volume) => {
      const size = input.sizeBytes;
      const creation = {
        create: true,
        exclusive: options["no-clobber"],
        ...(size === undefined ? {} : { size }),
        ...(wanted === undefined ? {} : { policy: wanted }),
      };
      const file = await noteSlow(volume.open(target.name, creation));
      requirePolicy(file, wanted);
      await fill(file, input);
    });
  },
});

interface Source extends AsyncDisposable {
  readonly label: string;
  /** undefined for a pipe, which is read to its end. */
  readonly sizeBytes: number | undefined;
  readonly handle: FileHandle | undefined;
  readonly stream: () => AsyncIterable<Uint8Array>;
}

function targetOf(source: string, location: Location): Location {
  if (source !== "-") return intoFolder(location, basename(source));
  const target = intoFolder(location, "");
  if (target.name === "" || target.name.endsWith("/"))
    throw new UsageError("standard input has no name: the URL must end in one");
  return target;
}

async function openSource(source: string): Promise<Source> {
  if (source === "-") {
    return {
      label: "stdin",
      sizeBytes: undefined,
      handle: undefined,
      stream: () => process.stdin,
      [Symbol.asyncDispose]: async () => undefined,
    };
  }
  const handle = await open(source, "r");
  const stats = await handle.stat();
  if (stats.isDirectory()) {
    await handle.close();
    throw new UsageError(`${source} is a folder: put copies one file`);
  }
  return {
    label: basename(source),
    sizeBytes: stats.isFile() ? stats.size : undefined,
    handle,
    stream: () => createReadStream(source, { fd: handle, autoClose: false }),
    [Symbol.asyncDispose]: () => handle.close(),
  };
}

function requirePolicy(file: File, wanted: Policy | undefined): void {
  if (wanted === undefined || file.policy === wanted) return;
  throw new UsageError(
    `${file.name} is there with the policy ${file.policy}, which stays: remove it first to choose another`,
  );
}

async function fill(file: File, source: Source): Promise<void> {
  const { copyFileIn, copyStreamIn } = await import("../copy-in.js");
  const bar = new ProgressBar(`put ${source.label}`, source.sizeBytes);
  const onProgress = (doneBytes: number) => bar.reach(doneBytes);
  try {
    await noteSlow(file.truncate(0)); // what was there, pages and all, so that the holes of the source are holes here
    if (source.handle === undefined || source.sizeBytes === undefined) {
      await copyStreamIn(source.stream(), file, onProgress);
    } else {
      await noteSlow(file.truncate(source.sizeBytes));
      await copyFileIn(source.handle, source.sizeBytes, file, onProgress);
    }
    await noteSlow(file.sync());
  } catch (error) {
    bar.abandon();
    throw error;
  }
  bar.end();
}
