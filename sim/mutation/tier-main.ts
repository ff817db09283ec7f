// One tier of tests, of the build that this file stands in, in this one process: ends with code 1 at the first thing that
// fails, and says what on stderr.
//
//   tier-main.js tests FILE...
//   tier-main.js simulator SEEDS [NEED]
//   tier-main.js search
import { pathToFileURL } from "node:url";
import { explore } from "../explore.js";
import { homeWorlds } from "../home-worlds.js";
import { Random } from "../random.js";
import { simulate } from "../simulation.js";
import { smallWorlds } from "../small-worlds.js";
import { drawSwarm } from "../swarm.js";
import type { MutationNeed } from "./mutation.js";

const [tier, ...args] = process.argv.slice(2);
try {
  if (tier === "tests") for (const file of args) await import(pathToFileURL(file).href);
  else if (tier === "simulator") simulateSeeds(Number(args[0]), args[1] as MutationNeed | undefined);
  else if (tier === "search") for (const small of [...smallWorlds, ...homeWorlds]) explore(small);
  else throw new Error(`no tier ${tier}`);
} catch (error) {
  console.error(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
  process.exit(1);
}

/** Seeds that have what is needed first: of the others, few would tell. */
function simulateSeeds(count: number, need: MutationNeed | undefined): void {
  const seeds = Array.from({ length: count }, (_, index) => index + 1);
  const [first, later] = [seeds.filter((seed) => has(seed, need)), seeds.filter((seed) => !has(seed, need))];
  for (const seed of [...first, ...later]) {
    try {
      simulate(seed);
    } catch (error) {
      console.error(`seed ${seed}`);
      throw error;
    }
  }
}

function has(seed: number, need: MutationNeed | undefined): boolean {
  const swarm = drawSwarm(new Random(seed));
  if (need === "homeCrashes") return swarm.homeCrashes;
  return need !== "leases" || swarm.leaseMicros !== Number.POSITIVE_INFINITY;
}
