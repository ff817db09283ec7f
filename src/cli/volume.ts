import { constants } from "node:os";
import { DmmapError } from "../core/error.js";
import type { Volume } from "../index.js";
import { noteSlow } from "./note-slow.js";

const connectMillisMax = 10_000;
const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Connects, runs, closes. The library is loaded here and not before: help and usage errors need no system calls.
 *
 * A broken connection ends the command. The library would wait for the home, for ever if need be, and tell only maps of what
 * was lost when it comes too late: a copy is to be whole, or an error.
 *
 * A signal ends the command as an exit does, which gives everything back to the home: else others would wait for this node's lease.
 */
export async function withVolume<Result>(url: string, run: (volume: Volume) => Promise<Result>): Promise<Result> {
  return await withVolumeForLong(url, (volume) => noteSlow(run(volume)));
}

/**
 * The same for what takes its time: it notes by itself what it waits for.
 *
 * @param isToWait whether the command bears with the connection that is broken just now
 */
export async function withVolumeForLong<Result>(
  url: string,
  run: (volume: Volume) => Promise<Result>,
  isToWait: () => boolean = () => false,
): Promise<Result> {
  const { connect } = await import("../index.js");
  const endWatch = exitOnSignals();
  const volume = await connect(url, { timeout: connectMillisMax, name: `dmmap[${process.pid}]` });
  const broken = new Promise<never>((_, reject) => {
    volume.on("disconnect", ({ message }) => {
      if (!isToWait()) reject(new DmmapError("DMMAP_UNREACHABLE", message));
    });
  });
  // Not closed when it fails: the main program exits then, and that waits for no home.
  const result = await Promise.race([run(volume), broken]);
  await Promise.race([volume.close(), broken]);
  endWatch();
  return result;
}

/** From here on a signal is an exit. @returns what takes that back. */
export function exitOnSignals(): () => void {
  for (const signal of signals) process.once(signal, exitOn);
  return () => {
    for (const signal of signals) process.off(signal, exitOn);
  };
}

/** The status that a shell gives to who died by the signal. A verb that listens itself ends in its own way; a second signal kills. */
function exitOn(signal: NodeJS.Signals): void {
  if (process.listenerCount(signal) === 0) process.exit(128 + constants.signals[signal]);
}
