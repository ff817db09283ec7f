import { basics } from "./basics.js";
import { ends } from "./ends.js";
import { bank } from "./workloads/bank.js";
import { counters } from "./workloads/counters.js";
import { falseSharing } from "./workloads/false-sharing.js";
import { ledger } from "./workloads/ledger.js";
import { litmus } from "./workloads/litmus.js";
import { manyFiles } from "./workloads/many-files.js";
import { mixed } from "./workloads/mixed.js";
import { ring } from "./workloads/ring.js";
import { stamps } from "./workloads/stamps.js";
import { tail } from "./workloads/tail.js";
import { threads } from "./workloads/threads.js";
import { walk } from "./workloads/walk.js";

/** All that a node program can be told to do. */
export const commands = {
  ...basics,
  ...ends,
  ...bank,
  ...counters,
  ...falseSharing,
  ...ledger,
  ...litmus,
  ...manyFiles,
  ...mixed,
  ...ring,
  ...stamps,
  ...tail,
  ...threads,
  ...walk,
};

export type Commands = typeof commands;
export type Args<Name extends keyof Commands> = Parameters<Commands[Name]>[1] extends undefined
  ? Record<string, never>
  : Parameters<Commands[Name]>[1];
export type Result<Name extends keyof Commands> = Awaited<ReturnType<Commands[Name]>>;
