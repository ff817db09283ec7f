import { checkRest, checkStored } from "./checks.js";
import { requireTrue } from "./violation.js";
import type { World, WorldEvent } from "./world.js";

/** Delivers everything, one thing of each kind and node in turn, until nothing is left to happen. */
export function settle(world: World, stepsMax: number): number {
  let steps = 0;
  const since = world.now;
  for (;;) {
    const events = [...world.events()];
    for (const event of events) {
      if (!isStillPending(world, event)) continue;
      world.happen(event);
      world.check();
      requireTrue(++steps <= stepsMax, "everything comes to rest");
    }
    if (events.length > 0) continue;
    const { deadline } = world;
    if (deadline === Number.POSITIVE_INFINITY || (world.reconnects && isAtRest(world))) return steps;
    requireTrue(world.now - since <= microsMax(world), "everything comes to rest in time");
    world.pass(Math.max(0, deadline - world.now));
    world.check();
    requireTrue(++steps <= stepsMax, "everything comes to rest");
  }
}

/** A grace period, a lease, and what a read that failed waits for. */
function microsMax(world: World): number {
  const { leaseMicros = Number.POSITIVE_INFINITY } = world.options;
  return 5 * leaseMicros + 5_000_000;
}

/** Pings go on for ever: nothing but them is to come. */
function isAtRest(world: World): boolean {
  const { nodes, home } = world;
  if (home.recovery.isOpen || home.sessions.size > nodes.length) return false;
  for (const { link, isReady, isSuspended } of nodes) if (link.state !== "up" || !isReady || isSuspended) return false;
  // Who waits for a hold waits until it ends.
  if (nodes.some(({ threads }) => threads.some(({ state }) => state === "holding"))) return true;
  if (home.directory.waiterCount > 0) return false;
  return nodes.every(({ state, tokens, threads }) => {
    const isSettled = (state === "open" || state === "closed") && threads.every((thread) => thread.isIdle);
    return isSettled && tokens?.isWaiting !== true && tokens?.isAsked !== true;
  });
}

function isStillPending(world: World, event: WorldEvent): boolean {
  return event.kind !== "run" || world.nodes[event.node].threads[event.thread].state === "woken";
}

/**
 * No more faults, no new work: holds end, and everybody must get what they wait for in a bounded number of steps. Then every
 * node closes the file, and all that was ever stored must be at home.
 */
export function finish(world: World, stepsMax: number): void {
  world.refusesSize = () => false;
  world.failsRead = () => false;
  world.offersAtOpening = () => false;
  world.hidesProgress = () => false;
  world.keepsAbove = () => false;
  for (const node of world.nodes) if (node.room !== Number.POSITIVE_INFINITY) node.roomAgain(Number.POSITIVE_INFINITY);
  for (const [index, node] of world.nodes.entries()) {
    if (node.isReady || world.reconnects) continue;
    world.cut(index); // Whatever had begun begins anew.
    world.reconnect(index);
  }
  let left = stepsMax - settle(world, stepsMax);
  while (endHolds(world)) left -= settle(world, left);
  checkRest(world);
  for (const node of world.nodes) if (node.state === "open") node.close();
  settle(world, left);
  checkStored(world);
}

/** @returns whether any thread was holding. */
function endHolds(world: World): boolean {
  let any = false;
  for (const node of world.nodes) {
    for (const thread of node.threads) {
      if (thread.state !== "holding") continue;
      node.programs.unhold(thread);
      any = true;
    }
  }
  return any;
}
