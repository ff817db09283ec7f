import { setTimeout as delay } from "node:timers/promises";

/**
 * Waits for a condition that nothing announces. Looks often, so that a test is over as soon as what it waits for has
 * happened; the limit only bounds a failure, whose message says what never came true.
 */
export async function until(
  truth: string,
  condition: () => boolean | Promise<boolean>,
  limitMillis = 10_000,
): Promise<void> {
  const end = performance.now() + limitMillis;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`not within ${limitMillis} ms: ${truth}`);
    await delay(2);
  }
}

/** Gives up on a promise that should have settled, naming what it was for. */
export async function within<Value>(what: string, promise: Promise<Value>, limitMillis = 10_000): Promise<Value> {
  const controller = new AbortController();
  const limit = delay(limitMillis, undefined, { signal: controller.signal }).then(() => {
    throw new Error(`not within ${limitMillis} ms: ${what}`);
  });
  limit.catch(() => undefined); // Aborted below: nobody waits for it any more.
  try {
    return await Promise.race([promise, limit]);
  } finally {
    controller.abort();
  }
}
