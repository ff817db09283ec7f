import { DmmapError } from "../core/error.js";

/** For whoever asks something of a file that a home, restarted, does not find any more. */
export function goneError(name: string): DmmapError {
  return new DmmapError("DMMAP_STALE", `${name} is not in the home's folder any more`);
}
