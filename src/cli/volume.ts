import { once } from "node:events";
import { DmmapError } from "../core/error.js";
import type { File, Volume } from "../index.js";

const connectMillisMax = 10_000;

/**
 * Connects, runs, closes. The library is loaded here and not before: help and usage errors need no system calls.
 *
 * A broken connection ends the command. The library would wait for the home, for ever if need be, and tell only maps of what
 * was lost when it comes too late: a copy is to be whole, or an error.
 */
export async function withVolume<Result>(url: string, run: (volume: Volume) => Promise<Result>): Promise<Result> {
  const { connect } = await import("../index.js");
  const volume = await connect(url, { timeout: connectMillisMax, name: `dmmap[${process.pid}]` });
  const broken = once(volume, "disconnect").then(([{ message }]: { message: string }[]) => {
    throw new DmmapError("DMMAP_UNREACHABLE", message);
  });
  // Not closed when it fails: the main program exits then, and that waits for no home.
  const result = await Promise.race([run(volume), broken]);
  await Promise.race([volume.close(), broken]);
  return result;
}

/** The same for one file that is there. */
export async function withFile<Result>(
  { volume: url, name }: { volume: string; name: string },
  run: (file: File, volume: Volume) => Promise<Result>,
): Promise<Result> {
  return await withVolume(url, async (volume) => {
    const file = await volume.open(name);
    return await run(file, volume);
  });
}
