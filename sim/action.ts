import { Mode, type PageIndex } from "../src/core/units.js";
import { wordsPerPage } from "./sim-file.js";
import type { SimNode } from "./sim-node.js";
import type { Operation, Thread } from "./thread.js";
import type { World, WorldEvent } from "./world.js";

/** One thing that is made to happen in a simulated world. A run is a list of them: it can be repeated, and cut down. */
export type Action =
  | { readonly kind: "pass"; readonly micros: number }
  | { readonly kind: "event"; readonly event: WorldEvent }
  | { readonly kind: "start"; readonly node: number; readonly thread: number; readonly operation: Operation }
  | { readonly kind: "unhold"; readonly node: number; readonly thread: number }
  | { readonly kind: "room"; readonly node: number; readonly pages: number }
  | { readonly kind: "open" | "openMore" | "openAgain" | "close" | "stop" | "go" | "greet"; readonly node: number }
  | { readonly kind: "crash" | "cut"; readonly node: number; readonly notices: boolean }
  | { readonly kind: "partition"; readonly node: number; readonly toHome: boolean; readonly toNode: boolean }
  /** As with a lock that the node is given. */
  | {
      readonly kind: "offer";
      readonly node: number;
      readonly mode: Mode;
      readonly start: PageIndex;
      readonly end: PageIndex;
    }
  | { readonly kind: "homeDies" | "homeReturns" }
  /** Of the writes that were not synced, oldest first, whether they get through. */
  | { readonly kind: "losesPower"; readonly survives: readonly boolean[] }
  | { readonly kind: "jump"; readonly node: number | "home"; readonly micros: number };

export function perform(world: World, action: Action): void {
  switch (action.kind) {
    case "pass":
      return world.pass(action.micros);
    case "event":
      return world.happen(action.event);
    case "homeDies":
      return world.crashHome();
    case "homeReturns":
      return world.restartHome();
    case "losesPower": {
      const survives = [...action.survives];
      return world.losePower(() => survives.shift() === true);
    }
    case "jump":
      return jump(world, action.node, action.micros);
    default:
      return performAt(world, action);
  }
}

type AtNode = Exclude<Action, { kind: "pass" | "event" | "homeDies" | "homeReturns" | "losesPower" | "jump" }>;

function performAt(world: World, action: AtNode): void {
  const node = world.nodes[action.node];
  switch (action.kind) {
    case "start":
      return world.start(node, node.threads[action.thread], action.operation);
    case "unhold":
      world.say(`${node.name}${action.thread}: ends its hold`);
      return node.programs.unhold(node.threads[action.thread]);
    case "room":
      return node.roomAgain(action.pages);
    case "open":
      return node.open();
    case "openMore":
      return node.openMore();
    case "openAgain":
      world.note(node, "is to open again what it closes");
      return node.openAgain();
    case "close":
      world.note(node, "closes");
      return node.close();
    case "stop":
      return world.stop(action.node);
    case "go":
      return world.go(action.node);
    case "greet":
      return node.greet();
    case "crash":
      return world.crash(action.node, action.notices);
    case "cut":
      return world.cut(action.node, action.notices);
    case "offer":
      return world.offer(action.node, action.mode, action.start, action.end);
    case "partition":
      world.isCut[action.node] = { toHome: action.toHome, toNode: action.toNode };
  }
}

/** Further than any lease allows for. Whoever trusted that clock is excused. */
function jump(world: World, at: number | "home", micros: number): void {
  const { clocks, homeClock, nodes, promises } = world;
  (at === "home" ? homeClock : clocks[at]).jump(micros);
  for (const node of at === "home" ? nodes : [nodes[at]]) promises.excused.add(node);
}

/** Whether the action makes sense now: something before it may have been left out. */
export function isPossible(world: World, action: Action): boolean {
  const { process, nodes } = world;
  switch (action.kind) {
    case "event":
      return [...world.events()].some((event) => isSame(event, action.event));
    case "homeDies":
    case "losesPower":
      return process !== undefined;
    case "homeReturns":
      return process === undefined;
    case "start":
      return isRunning(nodes[action.node]) && mayBegin(nodes[action.node].threads[action.thread], action.operation);
    case "unhold":
      return isRunning(nodes[action.node]) && nodes[action.node].threads[action.thread].state === "holding";
    case "open":
      return nodes[action.node].state === "closed" && nodes[action.node].link.state === "up";
    case "openMore":
      return nodes[action.node].mayOpenMore && !nodes[action.node].isStopped;
    case "openAgain":
      return nodes[action.node].mayOpenAgain && !nodes[action.node].isStopped;
    case "close":
      return nodes[action.node].mayClose;
    case "cut":
      return nodes[action.node].link.state !== "down";
    case "greet":
      return nodes[action.node].link.state === "down" && process !== undefined;
    case "stop":
      return !nodes[action.node].isStopped;
    case "go":
      return nodes[action.node].isStopped;
    default:
      return true;
  }
}

function isSame(one: WorldEvent, other: WorldEvent): boolean {
  const isSameThread = one.kind !== "run" || (other.kind === "run" && one.thread === other.thread);
  return one.kind === other.kind && one.node === other.node && isSameThread;
}

function isRunning({ state, isStopped }: SimNode): boolean {
  return state === "open" && !isStopped;
}

/** Inside a hold, only what it allows: two that wait for each other's holds would wait for ever. */
function mayBegin({ state, hold }: Thread, operation: Operation): boolean {
  if (state === "idle") return true;
  if (state !== "holding" || hold === undefined) return false;
  if (operation.kind !== "load" && operation.kind !== "store") return false;
  const page = Math.floor(operation.word / wordsPerPage);
  return page >= hold.start && page < hold.end && (operation.kind === "load" || hold.mode === Mode.write);
}
