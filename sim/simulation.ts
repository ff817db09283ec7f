import { Mode } from "../src/core/units.js";
import { Faults } from "./faults.js";
import { finish } from "./liveness.js";
import { Random } from "./random.js";
import { wordBytes, wordsPerPage } from "./sim-file.js";
import type { SimNode } from "./sim-node.js";
import { drawSwarm, type Swarm } from "./swarm.js";
import type { Operation, Thread } from "./thread.js";
import { World } from "./world.js";

/** After the last fault, everything comes to rest within this many steps. */
const restStepsMax = 20_000;

export interface SimulationResult {
  readonly steps: number;
  readonly stores: number;
  readonly loads: number;
}

/** One seeded run: random programs under random faults, then none of either until everything has come to rest. */
export function simulate(seed: number, trace?: (line: string) => void): SimulationResult {
  return new Simulation(seed, trace).run();
}

class Simulation {
  readonly #random: Random;
  readonly #swarm: Swarm;
  readonly #world: World;
  readonly #faults: Faults;
  readonly #trace: ((line: string) => void) | undefined;
  #valueLast = 0;
  #stores = 0;
  #loads = 0;
  #cursor = 0;

  constructor(seed: number, trace: ((line: string) => void) | undefined) {
    this.#random = new Random(seed);
    const swarm = drawSwarm(this.#random);
    this.#swarm = swarm;
    this.#trace = trace;
    trace?.(`seed ${seed}: ${JSON.stringify(swarm)}`);
    this.#world = new World({ ...swarm, sizeBytes: swarm.pages * wordsPerPage * wordBytes, trace });
    this.#world.hidesProgress = () => swarm.hidesProgress > 0 && this.#random.chance(swarm.hidesProgress);
    this.#world.failsRead = () => swarm.failsRead > 0 && this.#random.chance(swarm.failsRead);
    this.#world.refusesSize = () => swarm.refusesSize > 0 && this.#random.chance(swarm.refusesSize);
    this.#faults = new Faults(this.#world, swarm, this.#random);
    for (const node of this.#world.nodes) {
      node.room = swarm.room;
      node.open();
    }
  }

  run(): SimulationResult {
    try {
      for (let step = 0; step < this.#swarm.steps; step++) {
        this.#step();
        this.#world.check();
      }
      this.#trace?.("--- no more faults, no new work ---");
      this.#faults.end();
      finish(this.#world, restStepsMax);
    } catch (error) {
      if (this.#trace !== undefined) for (const line of this.#world.dump()) this.#trace(line);
      throw error;
    }
    return { steps: this.#swarm.steps, stores: this.#stores, loads: this.#loads };
  }

  /** Picks among what can happen: so a step is seldom wasted, and a slow node is slow, not the whole run. */
  #step(): void {
    const world = this.#world;
    const random = this.#random;
    world.pass(random.below(this.#swarm.stepMicros) + 1);
    const choice = random.fraction() * (4 + this.#swarm.eagerness);
    if (choice < 0.05) return this.#giveRoom(random.below(world.nodes.length));
    if (choice < 0.15) return this.#faults.disturb(random.below(world.nodes.length));
    if (choice > 4) return this.#begin(random.pick(world.nodes));
    const events = [...world.events()].filter(({ kind, node }) => {
      return (kind !== "room" || !world.nodes[node].isReady) && !this.#isLate(node);
    });
    if (events.length > 0) world.happen(random.pick(events));
    else this.#begin(random.pick(world.nodes));
  }

  #isLate(node: number): boolean {
    return node === 0 && this.#swarm.slowNodes > 0 && this.#random.chance(this.#swarm.slowNodes);
  }

  #giveRoom(index: number): void {
    const node = this.#world.nodes[index];
    if (node.room < this.#swarm.room) node.roomAgain(this.#swarm.room);
  }

  #begin(node: SimNode): void {
    if (node.state !== "open" || node.isStopped) return;
    const free = node.threads.filter(({ state }) => state === "idle" || state === "holding");
    if (free.length === 0) return;
    const thread = this.#random.pick(free);
    if (thread.state === "holding") this.#goOnHolding(node, thread);
    else this.#world.start(node, thread, this.#draw(node));
  }

  #goOnHolding(node: SimNode, thread: Thread): void {
    const { hold } = thread;
    if (hold === undefined || this.#random.chance(0.3)) {
      this.#trace?.(`${node.name}${thread.index}: ends its hold`);
      return node.unhold(thread);
    }
    const page = hold.start + this.#random.below(hold.end - hold.start);
    const word = page * wordsPerPage + this.#random.below(wordsPerPage);
    this.#world.start(node, thread, this.#access(word, hold.mode === Mode.write ? this.#swarm.stores : 0));
  }

  #draw(node: SimNode): Operation {
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
