import { DmmapError } from "../core/error.js";
import { checkMillis } from "./arguments.js";

/** Beyond it Node's timers fire at once. 25 days are as good as for ever. */
const timerMillisMax = 2 ** 31 - 1;

/** How long a caller waits: until the signal aborts, or so many milliseconds. By default for ever. */
export interface Patience {
  readonly signal?: AbortSignal;
  readonly timeout?: number;
}

/** Before anything is asked: a wait with a wrong end might have none. */
export function checkPatience({ signal, timeout }: Patience): void {
  if (timeout !== undefined) checkMillis(timeout, "timeout");
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw new TypeError("signal must be an AbortSignal");
}

/** The same patience for several waits, one after the other: it ends when it would for one. */
export function shared(patience: Patience): Patience {
  checkPatience(patience);
  const { signal, timeout } = patience;
  if (timeout === undefined) return patience;
  const end = performance.now() + timeout;
  return {
    ...(signal === undefined ? {} : { signal }),
    get timeout() {
      return Math.max(0, end - performance.now());
    },
  };
}

/**
 * Waits for `work`; gives up with DMMAP_ABORTED or DMMAP_TIMEOUT, and then calls `onGiveUp`, so that what was asked for
 * is taken back.
 */
export async function within<T>(
  what: string,
  { signal, timeout }: Patience,
  work: Promise<T>,
  onGiveUp: () => void = () => {},
): Promise<T> {
  if (signal === undefined && timeout === undefined) return await work;
  work.catch(() => undefined); // Nobody listens to it any more once it has been given up.
  let timer: NodeJS.Timeout | undefined;
  let onAbort: (() => void) | undefined;
  const giveUp = new Promise<never>((_resolve, reject) => {
    const fail = (error: DmmapError) => {
      onGiveUp();
      reject(error);
    };
    onAbort = () => fail(new DmmapError("DMMAP_ABORTED", `${what} was aborted`, { cause: signal?.reason }));
    if (signal?.aborted) onAbort();
    signal?.addEventListener("abort", onAbort, { once: true });
    if (timeout !== undefined && timeout <= timerMillisMax) {
      const late = () => fail(new DmmapError("DMMAP_TIMEOUT", `${what} took longer than it was given`));
      timer = setTimeout(late, timeout);
    }
  });
  try {
    return await Promise.race([work, giveUp]);
  } finally {
    clearTimeout(timer);
    if (onAbort) signal?.removeEventListener("abort", onAbort);
  }
}
