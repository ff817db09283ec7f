import { type Action, isPossible, perform } from "./action.js";
import { endFaults } from "./faults.js";
import { finish } from "./liveness.js";
import { wordBytes, wordsPerPage } from "./sim-file.js";
import type { Swarm } from "./swarm.js";
import { World } from "./world.js";

/** After the last fault, everything comes to rest within this many steps. */
const restStepsMax = 20_000;

/** What a run's world is like, apart from what happens in it. */
export interface Setting extends Pick<Swarm, "policy" | "nodes" | "threads" | "pages" | "pagesMax" | "chunkPages"> {
  readonly leaseMicros: number;
  readonly room: number;
  /** How fast the clocks run: the home's first, then the nodes'. */
  readonly rates: readonly number[];
}

/** `answers`: what was answered, in order, to whether a thread had run, a read failed, a size was refused. */
export interface Step {
  readonly action: Action;
  readonly answers: readonly boolean[];
}

/** A whole run, in a form that can be cut down. */
export interface Script {
  readonly setting: Setting;
  readonly steps: readonly Step[];
}

export function worldOf(setting: Setting, trace?: (line: string) => void): World {
  const world = new World({ ...setting, sizeBytes: setting.pages * wordsPerPage * wordBytes, trace });
  world.reconnects = setting.leaseMicros !== Number.POSITIVE_INFINITY;
  for (const [index, clock] of [world.homeClock, ...world.clocks].entries()) clock.rate = setting.rates[index];
  for (const node of world.nodes) {
    node.room = setting.room;
    node.open();
  }
  return world;
}

/** No more faults and no new work: everybody gets what they wait for, and all that was stored is at home. */
export function comeToRest(world: World): void {
  world.say("--- no more faults, no new work ---");
  endFaults(world);
  finish(world, restStepsMax);
}

/** Runs it as far as it makes sense: what is not possible any more is left out. @throws what promise it breaks */
export function replay({ setting, steps }: Script, trace?: (line: string) => void): World {
  const world = worldOf(setting, trace);
  let answers: boolean[] = [];
  const answer = () => answers.shift() === true;
  [world.hidesProgress, world.failsRead, world.refusesSize] = [answer, answer, answer];
  world.keepsAbove = answer;
  world.offersAtOpening = answer;
  for (const step of steps) {
    if (!isPossible(world, step.action)) continue;
    answers = [...step.answers];
    perform(world, step.action);
    world.check();
  }
  comeToRest(world);
  return world;
}
