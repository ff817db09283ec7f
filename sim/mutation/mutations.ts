import { connectionMutations } from "./connection-mutations.js";
import { directoryMutations } from "./directory-mutations.js";
import { givingWayMutations } from "./giving-way-mutations.js";
import { growthMutations } from "./growth-mutations.js";
import { lateDataMutations } from "./late-data-mutations.js";
import { leaseMutations } from "./lease-mutations.js";
import { lockMutations } from "./lock-mutations.js";
import type { Mutation } from "./mutation.js";
import { progressMutations } from "./progress-mutations.js";
import { recoveryMutations } from "./recovery-mutations.js";
import { resizeMutations } from "./resize-mutations.js";
import { retentionMutations } from "./retention-mutations.js";
import { wireMutations } from "./wire-mutations.js";

/** Every way in which the core is broken on purpose. Keep the list growing: a bug that was met once belongs into it. */
export const mutations: readonly Mutation[] = [
  ...lateDataMutations,
  ...givingWayMutations,
  ...progressMutations,
  ...directoryMutations,
  ...resizeMutations,
  ...connectionMutations,
  ...recoveryMutations,
  ...retentionMutations,
  ...leaseMutations,
  ...growthMutations,
  ...lockMutations,
  ...wireMutations,
];

/** So many of them, spread evenly over the list: always the same ones. */
export function sampleOf(all: readonly Mutation[], count: number): Mutation[] {
  const step = all.length / Math.min(count, all.length);
  return Array.from({ length: Math.min(count, all.length) }, (_, index) => all[Math.floor(index * step)]);
}
