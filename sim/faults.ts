import type { Random } from "./random.js";
import type { Swarm } from "./swarm.js";
import type { World } from "./world.js";

/** What goes wrong in a run, as far as its swarm has it. All of it can be taken back by `end`. */
export class Faults {
  readonly #world: World;
  readonly #swarm: Swarm;
  readonly #random: Random;
  readonly #kinds: ((node: number) => void)[] = [];

  constructor(world: World, swarm: Swarm, random: Random) {
    this.#world = world;
    this.#swarm = swarm;
    this.#random = random;
    world.reconnects = swarm.leaseMicros !== Number.POSITIVE_INFINITY;
    if (swarm.closes) this.#kinds.push((node) => this.#close(node));
    if (swarm.crashes) this.#kinds.push((node) => this.#crash(node));
    if (swarm.cuts) this.#kinds.push((node) => this.#cut(node));
    if (swarm.stops) this.#kinds.push((node) => this.#stop(node));
    if (swarm.partitions) this.#kinds.push((node) => this.#partition(node));
    if (swarm.homeCrashes) this.#kinds.push(() => this.#crashHome());
    if (swarm.jumps) this.#kinds.push((node) => this.#jump(node));
    if (swarm.drifts) for (const clock of [world.homeClock, ...world.clocks]) clock.rate = 0.9 + random.fraction() / 5;
  }

  disturb(index: number): void {
    const node = this.#world.nodes[index];
    if (node.state === "closed" && node.link.state === "up") return node.open();
    if (this.#kinds.length > 0) this.#random.pick(this.#kinds)(index);
  }

  end(): void {
    const { process, nodes, isCut } = this.#world;
    for (const [index, node] of nodes.entries()) {
      isCut[index] = { toHome: false, toNode: false };
      if (node.isStopped) this.#world.go(index);
    }
    if (process === undefined) this.#world.restartHome();
  }

  #close(index: number): void {
    const node = this.#world.nodes[index];
    if (node.isStopped || !node.mayClose || this.#random.chance(0.5)) return;
    this.#world.note(node, "closes");
    node.close();
  }

  /** Its home may not hear of it before its lease is over. */
  #crash(index: number): void {
    if (this.#random.chance(0.5)) this.#world.crash(index, !this.#world.reconnects);
  }

  /** A node that is back may be cut off again before it has its answer; its home may not hear of it before it is back. */
  #cut(index: number): void {
    const { reconnects, nodes } = this.#world;
    if (nodes[index].isStopped) return;
    if (nodes[index].link.state !== "down") this.#world.cut(index, !reconnects || this.#random.chance(0.5));
    else if (!reconnects) this.#world.nodes[index].greet();
  }

  #stop(index: number): void {
    if (this.#world.nodes[index].isStopped) this.#world.go(index);
    else if (this.#random.chance(0.5)) this.#world.stop(index);
  }

  #partition(index: number): void {
    const toHome = this.#random.chance(0.3);
    const toNode = this.#random.chance(0.3);
    this.#world.isCut[index] = { toHome, toNode };
  }

  #crashHome(): void {
    const world = this.#world;
    if (world.process === undefined) world.restartHome();
    else if (this.#random.chance(0.5)) return;
    else if (!this.#swarm.powerFails || this.#random.chance(0.3)) world.crashHome();
    else {
      const part = this.#random.pick([0, 0.5, 0.9]);
      world.losePower(() => this.#random.chance(part));
    }
  }

  /** Further than any lease allows for. Whoever trusted that clock is excused. */
  #jump(index: number): void {
    const { clocks, homeClock, nodes, excused } = this.#world;
    const isHome = this.#random.chance(0.5);
    const micros = (isHome ? 1 : this.#random.pick([1, -1])) * this.#swarm.leaseMicros * this.#random.fraction() * 2;
    (isHome ? homeClock : clocks[index]).jump(micros);
    for (const node of isHome ? nodes : [nodes[index]]) excused.add(node);
  }
}
