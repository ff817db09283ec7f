import { directoryTarget } from "./directory-target.js";
import { frameTarget } from "./frame-target.js";
import type { FuzzTarget } from "./fuzz-target.js";
import { leasesTarget } from "./leases-target.js";
import { locksTarget } from "./locks-target.js";
import { recoveryTarget } from "./recovery-target.js";
import { tokensTarget } from "./tokens-target.js";

export const targets = [
  frameTarget,
  directoryTarget,
  tokensTarget,
  leasesTarget,
  locksTarget,
  recoveryTarget,
] as readonly FuzzTarget<unknown>[];
