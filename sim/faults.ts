import type { Action } from "./action.js";
import type { Random } from "./random.js";
import type { Swarm } from "./swarm.js";
import type { World } from "./world.js";

/** Draws what goes wrong in a run, as far as its swarm has it. */
export class Faults {
  readonly #world: World;
  readonly #swarm: Swarm;
  readonly #random: Random;
  readonly #kinds: ((node: number) => Action | undefined)[] = [];

  constructor(world: World, swarm: Swarm, random: Random) {
    this.#world = world;
    this.#swarm = swarm;
    this.#random = random;
    if (swarm.closes) this.#kinds.push((node) => this.#close(node));
    if (swarm.crashes) this.#kinds.push((node) => this.#crash(node));
    if (swarm.cuts) this.#kinds.push((node) => this.#cut(node));
    if (swarm.stops) this.#kinds.push((node) => this.#stop(node));
    if (swarm.partitions) this.#kinds.push((node) => this.#partition(node));
    if (swarm.homeCrashes) this.#kinds.push(() => this.#crashHome());
    if (swarm.jumps) this.#kinds.push((node) => this.#jump(node));
  }

  /** @returns what happens now; nothing, often. */
  draw(index: number): Action | undefined {
    const node = this.#world.nodes[index];
    if (node.state === "closed" && node.link.state === "up") return { kind: "open", node: index };
    return this.#kinds.length > 0 ? this.#random.pick(this.#kinds)(index) : undefined;
  }

  #close(index: number): Action | undefined {
    const node = this.#world.nodes[index];
    if (node.isStopped || !node.mayClose || this.#random.chance(0.5)) return undefined;
    return { kind: "close", node: index };
  }

  /** Its home may not hear of it before its lease is over. */
  #crash(index: number): Action | undefined {
    return this.#random.chance(0.5) ? { kind: "crash", node: index, notices: !this.#world.reconnects } : undefined;
  }

  /** A node that is back may be cut off again before it has its answer; its home may not hear of it before it is back. */
  #cut(index: number): Action | undefined {
    const { reconnects, nodes } = this.#world;
    if (nodes[index].isStopped) return undefined;
    if (nodes[index].link.state !== "down") {
      return { kind: "cut", node: index, notices: !reconnects || this.#random.chance(0.5) };
    }
    return reconnects ? undefined : { kind: "greet", node: index };
  }

  #stop(index: number): Action | undefined {
    if (this.#world.nodes[index].isStopped) return { kind: "go", node: index };
    return this.#random.chance(0.5) ? { kind: "stop", node: index } : undefined;
  }

  #partition(index: number): Action {
    return {
      kind: "partition",
      node: index,
      toHome: this.#random.chance(0.3),
      toNode: this.#random.chance(0.3),
    };
  }

  #crashHome(): Action | undefined {
    const { process, disk } = this.#world;
    if (process === undefined) return { kind: "homeReturns" };
    if (this.#random.chance(0.5)) return undefined;
    if (!this.#swarm.powerFails || this.#random.chance(0.3)) return { kind: "homeDies" };
    const part = this.#random.pick([0, 0.5, 0.9]);
    const count = disk.writeCount - disk.settledCount;
    return { kind: "losesPower", survives: Array.from({ length: count }, () => this.#random.chance(part)) };
  }

  #jump(index: number): Action {
    const isHome = this.#random.chance(0.5);
    const micros = (isHome ? 1 : this.#random.pick([1, -1])) * this.#swarm.leaseMicros * this.#random.fraction() * 2;
    return { kind: "jump", node: isHome ? "home" : index, micros };
  }
}

/** No fault is left: everything can come to rest. */
export function endFaults(world: World): void {
  const { process, nodes, isCut } = world;
  for (const [index, node] of nodes.entries()) {
    isCut[index] = { toHome: false, toNode: false };
    if (node.isStopped) world.go(index);
  }
  if (process === undefined) world.restartHome();
}
