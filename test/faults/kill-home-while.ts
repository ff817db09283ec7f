import { setTimeout as delay } from "node:timers/promises";
import type { HomeUnderTest } from "./home-under-test.js";
import type { SeededRandom } from "./seeded-random.js";

export interface KillHooks<Known> {
  readonly beforeKill: () => Known;
  readonly whileDead: (known: Known) => void;
}

/** Then it is left alone, so that slow work comes to an end. */
const killsMax = 4;

/** Kills a home at random moments, and starts it again, for as long as some work is under way. @returns how often. */
export async function killHomeWhile<Known>(
  home: HomeUnderTest,
  random: SeededRandom,
  work: Promise<unknown>,
  hooks?: KillHooks<Known>,
): Promise<number> {
  const done = new AbortController();
  let failure: Error | undefined;
  const ended = work
    .catch((error: unknown) => {
      failure = error instanceof Error ? error : new Error(String(error));
    })
    .finally(() => done.abort());
  let kills = 0;
  while (!done.signal.aborted) {
    // Some lives are too short for all nodes to come back in.
    const lifeMillis = random.next() < 0.3 ? random.between(20, 300) : random.between(700, 1500);
    await delay(lifeMillis, undefined, { signal: done.signal }).catch(() => undefined);
    if (done.signal.aborted || kills === killsMax) break;
    const known = hooks?.beforeKill();
    await home.kill();
    kills++;
    if (hooks !== undefined) hooks.whileDead(known as Known);
    // Dead for a while, too: the nodes try to connect and fail.
    await delay(random.between(0, 200));
    await home.start();
  }
  await ended;
  if (failure !== undefined) throw failure;
  return kills;
}
