import type { File, Volume } from "../index.js";

const connectMillisMax = 10_000;

/** Connects, runs, closes. The library is loaded here and not before: help and usage errors need no system calls. */
export async function withVolume<Result>(url: string, run: (volume: Volume) => Promise<Result>): Promise<Result> {
  const { connect } = await import("../index.js");
  await using volume = await connect(url, { timeout: connectMillisMax, name: `dmmap[${process.pid}]` });
  return await run(volume);
}

/** The same for one file that is there. */
export async function withFile<Result>(
  { volume: url, name }: { volume: string; name: string },
  run: (file: File, volume: Volume) => Promise<Result>,
): Promise<Result> {
  return await withVolume(url, async (volume) => {
    await using file = await volume.open(name);
    return await run(file, volume);
  });
}
