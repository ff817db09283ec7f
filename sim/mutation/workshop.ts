import { execFile } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { broken, countPlaces, type Mutation } from "./mutation.js";

/** Longer than any tier takes; a core that turns in a circle is noticed by it. */
const tierMillisMax = 180_000;
const ownFault = "the mutation itself is wrong";
const copied = ["src/core", "sim", "test/unit", "test/core", "test/transcript"];
const testFolders = copied.filter((folder) => folder.startsWith("test/"));

/** From the quickest to the slowest: the first that notices counts. */
export const tierNames = ["tests", "simulator", "search"] as const;
export type TierName = (typeof tierNames)[number];

/** Who noticed a mutation, and by what. */
export interface Verdict {
  /** Undefined when nobody did. A mutation that does not even run was noticed by nobody. */
  readonly tier: TierName | undefined;
  /** What failed, in a line. */
  readonly reason: string;
}

/** A copy of the build in which the core is broken, one way at a time, and put right again. */
export class Workshop {
  readonly #place: string;
  readonly #tests: readonly string[];
  readonly #seeds: number;
  readonly #tiers: readonly TierName[];

  constructor(built: string, place: string, seeds: number, tiers: readonly TierName[]) {
    this.#tiers = tiers;
    this.#place = place;
    this.#seeds = seeds;
    rmSync(place, { recursive: true, force: true });
    mkdirSync(place, { recursive: true });
    for (const folder of copied) cpSync(join(built, folder), join(place, folder), { recursive: true });
    this.#tests = testFolders.flatMap((folder) => coreTestsIn(join(place, folder)));
  }

  /** Tries the tiers, one after the other, until one notices. */
  async try(mutation: Mutation): Promise<Verdict> {
    const path = join(this.#place, mutation.file);
    const text = readFileSync(path, "utf8");
    if (countPlaces(text, mutation) !== 1) throw new Error(`${mutation.name}: its text is not found once`);
    writeFileSync(path, broken(text, mutation));
    try {
      for (const tier of this.#tiers) {
        const reason = await this.run(tier, mutation);
        if (reason?.startsWith(ownFault)) return { tier: undefined, reason };
        if (reason !== undefined) return { tier, reason };
      }
      return { tier: undefined, reason: "" };
    } finally {
      writeFileSync(path, text);
    }
  }

  /** @returns why it failed, if it did. */
  run(tier: TierName, mutation?: Mutation): Promise<string | undefined> {
    const args = { tests: this.#tests, simulator: [String(this.#seeds), ...needOf(mutation)], search: [] }[tier];
    const command = ["--max-old-space-size=1500", join(this.#place, "sim/mutation/tier-main.js"), tier, ...args];
    const options = { cwd: this.#place, timeout: tierMillisMax, killSignal: "SIGKILL" as const, maxBuffer: 2 ** 28 };
    return new Promise((resolve) => {
      execFile(process.execPath, command, options, (error, stdout, stderr) => {
        resolve(error === null ? undefined : reasonOf(error.killed === true, stdout, stderr));
      });
    });
  }

  remove(): void {
    rmSync(this.#place, { recursive: true, force: true });
  }
}

function needOf(mutation: Mutation | undefined): string[] {
  return mutation?.needs === undefined ? [] : [mutation.needs];
}

/** Tests of other layers stand in the same folders; what they import is not here. */
function coreTestsIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".test.js"))
    .map((name) => join(folder, name))
    .filter((path) => !/from "\.\.\/(?!\.\.\/(src\/core|sim)\/)/.test(readFileSync(path, "utf8")));
}

function reasonOf(isTimeOut: boolean, stdout: string, stderr: string): string {
  const text = `${stderr}\n${stdout}`;
  const own = /(SyntaxError|ReferenceError): .*/.exec(text);
  if (own !== null) return `${ownFault}: ${own[0]}`;
  if (isTimeOut) return "time is over";
  const failed = /^not ok \d+ - (.*)$/m.exec(stdout)?.[1];
  return failed ?? stderr.trim().split("\n").slice(0, 2).join(": ").slice(0, 160);
}
