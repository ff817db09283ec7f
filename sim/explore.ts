import type { Policy } from "../src/core/units.js";
import { checkRest, checkStored } from "./checks.js";
import { fingerprint } from "./fingerprint.js";
import { settle } from "./liveness.js";
import { survives } from "./sim-disk.js";
import { wordBytes, wordsPerPage } from "./sim-file.js";
import type { Operation } from "./thread.js";
import { requireTrue, Violation } from "./violation.js";
import { World, type WorldEvent } from "./world.js";

/** What one thread does, in order. `unhold` ends the hold before it; the others are its node's. */
export type Step = Operation | { kind: "unhold" | "close" | "crash" | "cut" | "back" };

/** What becomes of the home, in order: its process dies, or its machine loses its power, and it is back. */
export type HomeStep = "dies" | "losesPower" | "returns";

export interface SmallWorld {
  readonly name: string;
  readonly policy: Policy;
  readonly pages: number;
  /** One program per thread, by node. */
  readonly programs: readonly (readonly (readonly Step[])[])[];
  /** With it, nodes that have lost their connection connect again by themselves. */
  readonly home?: readonly HomeStep[];
  /** Whether what a home sends of an answer later may be overtaken by what it decides meanwhile. */
  readonly chunkPages?: number;
  /** Whether a cache above each node's drops what it has to some time after it was told. */
  readonly keepsAbove?: boolean;
}

/** `survivors`: of the writes that a loss of power meets, as bits. `grace`: who has not come back by now never will. */
type Choice =
  | WorldEvent
  | { kind: "begin"; node: number; thread: number }
  | { kind: "home"; survivors: number }
  | { kind: "grace" };

export interface Exploration {
  readonly states: number;
  readonly transitions: number;
  readonly ends: number;
  readonly depthMax: number;
}

const statesMaxDefault = 2_000_000;
const restStepsMax = 5_000;

/**
 * Every order in which a small world's messages may arrive, its threads run and its programs go on, with the shipped core:
 * each state once. Checks every state, requires every end to be at rest with nothing lost, and that an end can be reached from
 * every state, so that no two nodes hand a page to and fro for ever. Time stands still: what a hold by time would delay is
 * tried at once.
 */
export function explore(small: SmallWorld, statesMax = statesMaxDefault): Exploration {
  return new Explorer(small, statesMax).run();
}

interface Open {
  readonly path: readonly Choice[];
  readonly state: number;
}

class Explorer {
  readonly #small: SmallWorld;
  readonly #statesMax: number;
  readonly #seen = new Map<string, number>();
  /** Where each state comes from, for the search back from the ends. */
  readonly #before: number[][] = [];
  readonly #ends: number[] = [];
  #transitions = 0;
  #depthMax = 0;

  constructor(small: SmallWorld, statesMax: number) {
    this.#small = small;
    this.#statesMax = statesMax;
  }

  run(): Exploration {
    const first = this.#again([]);
    const stack: Open[] = [{ path: [], state: this.#number(first).state }];
    for (let open = stack.pop(); open !== undefined; open = stack.pop()) this.#visit(open, stack);
    this.#requireEnds();
    const { size } = this.#seen;
    return { states: size, transitions: this.#transitions, ends: this.#ends.length, depthMax: this.#depthMax };
  }

  /** Follows one line to its end with one world; what branches off is left for later, to be replayed. */
  #visit(open: Open, stack: Open[]): void {
    const path = [...open.path];
    const run = this.#again(path);
    for (let state: number | undefined = open.state; state !== undefined; ) {
      const [first, ...others] = run.choices();
      if (first === undefined) return this.#end(run, path, state);
      for (const choice of others) {
        const longer = [...path, choice];
        const next = this.#take(this.#again(path), choice, longer, state);
        if (next !== undefined) stack.push({ path: longer, state: next });
      }
      path.push(first);
      this.#depthMax = Math.max(this.#depthMax, path.length);
      state = this.#take(run, first, path, state);
    }
  }

  /** @returns the state that the choice leads to, if it is new. */
  #take(run: Run, choice: Choice, path: readonly Choice[], from: number): number | undefined {
    this.#transitions++;
    try {
      run.take(choice);
    } catch (error) {
      throw this.#explain(error, path);
    }
    const { state, isNew } = this.#number(run);
    this.#before[state].push(from);
    return isNew ? state : undefined;
  }

  #number(run: Run): { state: number; isNew: boolean } {
    const text = run.fingerprint();
    const known = this.#seen.get(text);
    if (known !== undefined) return { state: known, isNew: false };
    const state = this.#seen.size;
    requireTrue(state < this.#statesMax, `${this.#small.name} has at most ${this.#statesMax} states`);
    this.#seen.set(text, state);
    this.#before.push([]);
    return { state, isNew: true };
  }

  #end(run: Run, path: readonly Choice[], state: number): void {
    this.#ends.push(state);
    try {
      run.end();
    } catch (error) {
      throw this.#explain(error, path);
    }
  }

  /** From every state, an end can be reached. */
  #requireEnds(): void {
    const reaches = new Uint8Array(this.#before.length);
    const stack = [...this.#ends];
    for (let state = stack.pop(); state !== undefined; state = stack.pop()) {
      if (reaches[state] === 1) continue;
      reaches[state] = 1;
      stack.push(...this.#before[state]);
    }
    requireTrue(!reaches.includes(0), `${this.#small.name} comes to an end from every state`);
  }

  /** All of these states have been checked. */
  #again(path: readonly Choice[]): Run {
    const run = new Run(this.#small);
    for (const choice of path) run.go(choice);
    return run;
  }

  /** A failure with the way there, as a transcript. */
  #explain(error: unknown, path: readonly Choice[]): unknown {
    if (!(error instanceof Error)) return error;
    const lines: string[] = [];
    try {
      const run = new Run(this.#small, (line) => lines.push(line));
      for (const choice of path) run.take(choice);
      run.end();
    } catch {
      // The failure itself, again: what led to it is in `lines`.
    }
    return new Violation(`${this.#small.name}: ${error.message}\n${lines.join("\n")}`);
  }
}

/** One way through a small world. */
class Run {
  readonly #world: World;
  readonly #small: SmallWorld;
  /** How far each thread's program has come, and the home's. */
  readonly #reached: number[][];
  #homeReached = 0;

  constructor(small: SmallWorld, trace?: (line: string) => void) {
    this.#small = small;
    this.#reached = small.programs.map((threads) => threads.map(() => 0));
    this.#world = new World({
      nodes: small.programs.length,
      threads: Math.max(...small.programs.map((threads) => threads.length)),
      policy: small.policy,
      sizeBytes: small.pages * wordsPerPage * wordBytes,
      pagesMax: small.pages,
      chunkPages: small.chunkPages ?? 1,
      trace,
    });
    this.#world.reconnects = small.home !== undefined;
    if (small.keepsAbove === true) this.#world.keepsAbove = (node) => !node.isDroppingAbove;
    for (const node of this.#world.nodes) node.open();
    settle(this.#world, restStepsMax);
  }

  choices(): Choice[] {
    const choices: Choice[] = [...this.#world.events()];
    for (const [node, threads] of this.#small.programs.entries()) {
      for (const thread of threads.keys())
        if (this.#mayBegin(node, thread)) choices.push({ kind: "begin", node, thread });
    }
    const step = this.#homeStep;
    if (step === "losesPower") {
      for (const survivors of this.#world.disk.outcomes()) choices.push({ kind: "home", survivors });
    } else if (step !== undefined) choices.push({ kind: "home", survivors: 0 });
    if (this.#world.isGraceOver()) choices.push({ kind: "grace" });
    return choices;
  }

  take(choice: Choice): void {
    this.#act(choice);
    this.#world.check();
  }

  /** As `take`, where the checks are known to hold. */
  go(choice: Choice): void {
    this.#act(choice);
    this.#world.promises.noteSeen();
  }

  fingerprint(): string {
    const reached = this.#reached.map((threads) => threads.join(",")).join(";");
    return fingerprint(this.#world, `${reached} ${this.#homeReached}`);
  }

  end(): void {
    checkRest(this.#world);
    for (const [node, threads] of this.#small.programs.entries()) {
      for (const [thread, steps] of threads.entries()) {
        requireTrue(this.#reached[node][thread] >= steps.length, `program ${node}.${thread} has ended`);
      }
    }
    for (const node of this.#world.nodes) {
      for (const thread of node.threads) if (thread.state === "holding") node.programs.unhold(thread);
    }
    settle(this.#world, restStepsMax);
    for (const node of this.#world.nodes) if (node.state === "open") node.close();
    settle(this.#world, restStepsMax);
    checkStored(this.#world);
  }

  /** What is next for the home, if it can be now. */
  get #homeStep(): HomeStep | undefined {
    return this.#small.home?.[this.#homeReached];
  }

  #act(choice: Choice): void {
    const world = this.#world;
    if (choice.kind === "begin") return this.#begin(choice.node, choice.thread);
    if (choice.kind === "home") return this.#goOnHome(choice.survivors);
    if (choice.kind === "grace") return world.home.endGrace();
    world.happen(choice);
    // A machine that looks whether threads have run does so now.
    if (choice.kind === "run" && world.nodes[choice.node].tokens !== undefined) world.nodes[choice.node].time();
  }

  #goOnHome(survivors: number): void {
    const step = this.#homeStep;
    this.#homeReached++;
    let at = 0;
    if (step === "dies") this.#world.crashHome();
    else if (step === "losesPower") this.#world.losePower(() => survives(survivors, at++));
    else this.#world.restartHome();
  }

  #mayBegin(node: number, thread: number): boolean {
    const step = this.#small.programs[node][thread][this.#reached[node][thread]];
    if (step === undefined) return false;
    if (step.kind === "crash") return true;
    const simulated = this.#world.nodes[node];
    if (simulated.state !== "open") return false;
    if (step.kind === "cut") return simulated.isReady;
    if (step.kind === "back") return !simulated.isReady;
    const { state } = simulated.threads[thread];
    if ((step.kind === "sync" || step.kind === "flush") && !simulated.isReady) return false;
    if (step.kind === "close") return simulated.mayClose;
    if (step.kind === "unhold") return state === "holding";
    return state === "idle" || (state === "holding" && (step.kind === "load" || step.kind === "store"));
  }

  #begin(index: number, threadIndex: number): void {
    const node = this.#world.nodes[index];
    const thread = node.threads[threadIndex];
    const step = this.#small.programs[index][threadIndex][this.#reached[index][threadIndex]++];
    if (isOperation(step)) this.#world.start(node, thread, step);
    else if (step.kind === "unhold") node.programs.unhold(thread);
    else if (step.kind === "cut") this.#world.cut(index);
    else if (step.kind === "back") this.#world.reconnect(index);
    else this.#endNode(index, () => (step.kind === "close" ? node.close() : this.#world.crash(index)));
  }

  /** No thread of the node goes on. */
  #endNode(index: number, end: () => void): void {
    end();
    for (const [thread, steps] of this.#small.programs[index].entries()) this.#reached[index][thread] = steps.length;
  }
}

function isOperation(step: Step): step is Operation {
  return !["unhold", "close", "crash", "cut", "back"].includes(step.kind);
}
