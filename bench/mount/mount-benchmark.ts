import type { Volume } from "./volume.js";

/** How much work one sample is. */
export interface MountScale {
  readonly faults: number;
  readonly calls: number;
  readonly creates: number;
  readonly copyBytes: number;
  /** Files that are compiled, and commits. */
  readonly builds: number;
  readonly pingPongMillis: number;
  readonly transactions: number;
}

export const fullMountScale: MountScale = {
  faults: 2000,
  calls: 2048,
  creates: 1000,
  copyBytes: 256 * 1024 * 1024,
  builds: 10,
  pingPongMillis: 3500,
  transactions: 1000,
};

export const quickMountScale: MountScale = {
  faults: 200,
  calls: 1024,
  creates: 100,
  copyBytes: 32 * 1024 * 1024,
  builds: 2,
  pingPongMillis: 1500,
  transactions: 50,
};

/** One figure of programs on a mount; the same on a local file system and on sshfs. */
export interface MountBenchmark {
  readonly name: string;
  readonly unit: string;
  /** Whether the figure is a rate, and more of it better; else it is a time. */
  readonly isRate: boolean;
  /** What is expected. Printed, never judged. */
  readonly expected: string;
  /** What it runs that this package does not bring. */
  readonly program?: { readonly name: string; readonly debianPackage: string };
  /** `id` is another for each sample: no file has been seen before. */
  sample(volume: Volume, scale: MountScale, id: string): Promise<number>;
}

/** There is no figure: the programs did not get what a local file system gives. */
export class WrongResult extends Error {}
