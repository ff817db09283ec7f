import type { Volume } from "dmmap";
import type { Crew } from "./crew.js";
import type { Story } from "./story.js";

/** What every chapter works with. */
export interface Job {
  readonly story: Story;
  /** The three node processes. */
  readonly crew: Crew;
  /** This process's own node: it makes the files and looks at the results. */
  readonly volume: Volume;
  /** The folder that the home serves. */
  readonly folder: string;
}

/** A file of this size that is all holes, whatever an earlier run left there. */
export async function emptyFile(
  volume: Volume,
  name: string,
  size: number,
  policy: "simple" | "optimal" = "optimal",
): Promise<void> {
  await using file = await volume.open(name, { create: true, policy });
  await file.truncate(0);
  await file.truncate(size);
}

/** Of the file that all nodes share: a stretch for each chapter. Words that are fought over have a page of their own. */
export const shared = {
  name: "shared-state.bin",
  size: 1024 * 1024,
  counters: { offset: 0, length: 16 * 1024 },
  ring: { offset: 64 * 1024, length: 64 * 1024 },
  private: { offset: 128 * 1024, length: 8 * 1024 },
  own: { offset: 192 * 1024, length: 64 * 1024 },
} as const;
