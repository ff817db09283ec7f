import { Mode } from "../src/core/units.js";
import { type Action, perform } from "./action.js";
import { Faults } from "./faults.js";
import { Random } from "./random.js";
import { comeToRest, type Script, type Setting, worldOf } from "./script.js";
import { wordBytes, wordsPerPage } from "./sim-file.js";
import type { SimNode } from "./sim-node.js";
import { drawSwarm, type Swarm } from "./swarm.js";
import type { Operation, Thread } from "./thread.js";
import type { World } from "./world.js";

/**
 * From this seed on, nodes are also offered tokens that they have not asked for, as advisory locks and answers to openings bring
 * them. Those are drawn apart from the rest, and the seeds before are the runs that they were without.
 */
const offersFrom = 1_000_000_000;
/** Of steps that begin with one. */
const offerRate = 0.1;
/** And with an opening of a file that is open, or is being closed, or with a close. */
const openingRate = 0.15;
const closingRate = 0.2;
/** Of openings that bring one; and of those, ones for stores. */
const offersAtOpeningRate = 0.6;
/** How often a cache above a node's does not drop at once what it is told to: one of these, for a run. */
const keepsAboveRates = [0, 0, 0.3, 0.8];

export interface SimulationResult {
  readonly steps: number;
  readonly stores: number;
  readonly loads: number;
}

/** One seeded run: random programs under random faults, then none of either until everything has come to rest. */
export function simulate(seed: number, trace?: (line: string) => void): SimulationResult {
  return new Simulation(seed, trace).run();
}

/** All that happens in this run, up to where it breaks a promise if it does. */
export function scriptOf(seed: number): Script {
  const simulation = new Simulation(seed, undefined);
  try {
    simulation.run();
  } catch {
    // It breaks the same one when it is run again.
  }
  return simulation.script;
}

class Simulation {
  readonly #random: Random;
  readonly #swarm: Swarm;
  readonly #setting: Setting;
  readonly #world: World;
  readonly #faults: Faults;
  readonly #trace: ((line: string) => void) | undefined;
  readonly #steps: { readonly action: Action; readonly answers: boolean[] }[] = [];
  readonly #offers: Random | undefined;
  /** Of what is kept above: as with offers, a seed has the run for the rest that it had without. */
  readonly #above: Random;
  #valueLast = 0;
  #stores = 0;
  #loads = 0;
  #cursor = 0;

  constructor(seed: number, trace: ((line: string) => void) | undefined) {
    this.#random = new Random(seed);
    if (seed >= offersFrom) this.#offers = new Random(seed + 1);
    this.#above = new Random(seed + 2);
    const swarm = drawSwarm(this.#random);
    this.#swarm = swarm;
    this.#trace = trace;
    trace?.(`seed ${seed}: ${JSON.stringify(swarm)}`);
    const rates = Array.from({ length: swarm.nodes + 1 }, () => (swarm.drifts ? 0.9 + this.#random.fraction() / 5 : 1));
    this.#setting = { ...swarm, rates };
    this.#world = worldOf(this.#setting, trace);
    this.#world.hidesProgress = () => this.#answer(swarm.hidesProgress);
    this.#world.failsRead = () => this.#answer(swarm.failsRead);
    this.#world.refusesSize = () => this.#answer(swarm.refusesSize);
    const keepsAbove = this.#above.pick(keepsAboveRates);
    this.#world.keepsAbove = () => this.#answer(keepsAbove, this.#above);
    const offersAtOpening = this.#offers === undefined ? 0 : offersAtOpeningRate;
    this.#world.offersAtOpening = () => this.#answer(offersAtOpening, this.#offers);
    this.#faults = new Faults(this.#world, swarm, this.#random);
  }

  /** What has happened so far. */
  get script(): Script {
    return { setting: this.#setting, steps: this.#steps };
  }

  run(): SimulationResult {
    try {
      for (let step = 0; step < this.#swarm.steps; step++) {
        this.#take({ kind: "pass", micros: this.#random.below(this.#swarm.stepMicros) + 1 });
        this.#take(this.#drawOffer());
        this.#take(this.#drawOpening());
        this.#take(this.#draw());
        this.#world.check();
      }
      comeToRest(this.#world);
    } catch (error) {
      if (this.#trace !== undefined) for (const line of this.#world.dump()) this.#trace(line);
      throw error;
    }
    return { steps: this.#swarm.steps, stores: this.#stores, loads: this.#loads };
  }

  #take(action: Action | undefined): void {
    if (action === undefined) return;
    this.#steps.push({ action, answers: [] });
    perform(this.#world, action);
  }

  #answer(probability: number, random = this.#random): boolean {
    const answer = probability > 0 && random.chance(probability);
    this.#steps.at(-1)?.answers.push(answer);
    return answer;
  }

  /** Picks among what can happen: so a step is seldom wasted, and a slow node is slow, not the whole run. */
  #draw(): Action | undefined {
    const world = this.#world;
    const random = this.#random;
    const choice = random.fraction() * (4 + this.#swarm.eagerness);
    if (choice < 0.05) return this.#giveRoom(random.below(world.nodes.length));
    if (choice < 0.15) return this.#faults.draw(random.below(world.nodes.length));
    if (choice > 4) return this.#begin(random.pick(world.nodes));
    const events = [...world.events()].filter(({ kind, node }) => {
      return (kind !== "room" || !world.nodes[node].isReady) && !this.#isLate(node);
    });
    return events.length > 0 ? { kind: "event", event: random.pick(events) } : this.#begin(random.pick(world.nodes));
  }

  #drawOffer(): Action | undefined {
    const random = this.#offers;
    if (random?.chance(offerRate) !== true) return undefined;
    const start = random.below(this.#swarm.pagesMax);
    const mode = random.chance(0.7) ? Mode.write : Mode.read;
    const end = start + random.pick([1, 1, 2]);
    return { kind: "offer", node: random.below(this.#world.nodes.length), mode, start, end };
  }

  #drawOpening(): Action | undefined {
    if (this.#offers?.chance(openingRate) !== true) return undefined;
    const index = this.#offers.below(this.#world.nodes.length);
    const { state, link, mayOpenAgain, mayOpenMore, mayClose, isStopped } = this.#world.nodes[index];
    if (isStopped) return undefined;
    if (mayOpenAgain) return { kind: "openAgain", node: index };
    if (state === "closed" && link.state === "up") return { kind: "open", node: index };
    if (mayClose && this.#offers.chance(closingRate)) return { kind: "close", node: index };
    return mayOpenMore ? { kind: "openMore", node: index } : undefined;
  }

  #isLate(node: number): boolean {
    return node === 0 && this.#swarm.slowNodes > 0 && this.#random.chance(this.#swarm.slowNodes);
  }

  #giveRoom(node: number): Action | undefined {
    const { room } = this.#swarm;
    return this.#world.nodes[node].room < room ? { kind: "room", node, pages: room } : undefined;
  }

  #begin(node: SimNode): Action | undefined {
    if (node.state !== "open" || node.isStopped) return undefined;
    const free = node.threads.filter(({ state }) => state === "idle" || state === "holding");
    if (free.length === 0) return undefined;
    const thread = this.#random.pick(free);
    if (thread.state === "holding") return this.#goOnHolding(node, thread);
    return this.#startOf(node, thread, this.#drawOperation(node));
  }

  #startOf(node: SimNode, { index }: Thread, operation: Operation): Action {
    return { kind: "start", node: this.#world.nodes.indexOf(node), thread: index, operation };
  }

  #goOnHolding(node: SimNode, thread: Thread): Action {
    const { hold } = thread;
    if (hold === undefined || this.#random.chance(0.3)) {
      return { kind: "unhold", node: this.#world.nodes.indexOf(node), thread: thread.index };
    }
    const page = hold.start + this.#random.below(hold.end - hold.start);
    const word = page * wordsPerPage + this.#random.below(wordsPerPage);
    return this.#startOf(node, thread, this.#access(word, hold.mode === Mode.write ? this.#swarm.stores : 0));
  }

  #drawOperation(node: SimNode): Operation {
    const swarm = this.#swarm;
    const random = this.#random;
    const kinds: Exclude<Operation["kind"], "load" | "store">[] = [];
    if (swarm.holds) kinds.push("hold");
    if (swarm.prefetches) kinds.push("prefetch");
    if (swarm.truncates) kinds.push("truncate");
    if (swarm.givesBack) kinds.push("giveBack");
    if (swarm.evicts) kinds.push("evict");
    if (swarm.flushes) kinds.push("flush");
    if (swarm.syncs) kinds.push("sync");
    if (kinds.length === 0 || random.chance(0.7)) return this.#access(this.#drawWord(node), swarm.stores);
    const kind = random.pick(kinds);
    const [start, end] = this.#drawRange();
    switch (kind) {
      case "flush":
      case "sync":
        return { kind };
      case "hold":
      case "prefetch":
        return { kind, mode: random.chance(0.5) ? Mode.write : Mode.read, start, end };
      case "giveBack":
      case "evict":
        return { kind, start, end };
      case "truncate":
        return { kind, sizeBytes: random.below(swarm.pagesMax * wordsPerPage + 1) * wordBytes };
    }
  }

  #access(word: number, stores: number): Operation {
    if (this.#random.chance(stores)) {
      this.#stores++;
      return { kind: "store", word, value: ++this.#valueLast };
    }
    this.#loads++;
    return { kind: "load", word };
  }

  #drawWord(node: SimNode): number {
    const { hotPages, pagesMax, sequential } = this.#swarm;
    if (!sequential) return this.#random.below((this.#random.chance(0.8) ? hotPages : pagesMax) * wordsPerPage);
    if (this.#random.chance(0.1)) this.#cursor = this.#random.below(pagesMax);
    const page = (this.#cursor++ + this.#world.nodes.indexOf(node)) % pagesMax;
    return page * wordsPerPage + this.#random.below(wordsPerPage);
  }

  #drawRange(): [number, number] {
    const { pagesMax } = this.#swarm;
    const start = this.#random.below(pagesMax);
    return [start, start + 1 + this.#random.below(pagesMax - start)];
  }
}
