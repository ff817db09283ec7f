import type { Micros } from "../core/units.js";
import { nowMicros } from "../kernel/clock.js";
import { isDying } from "../kernel/dying-thread.js";
import { Errno } from "../kernel/errno.js";
import type { Request } from "./request.js";

/** For how long a killed program may still be there that was interrupted before. */
const lookMicros = 50_000;
/** Whether it was killed cannot be known: it has waited for long enough. */
const unknownMicros = 1_000_000;

/**
 * Requests whose threads have had a signal. On a local disk only waits for locks end with EINTR; whatever else a signal
 * meets is done to its end, unless the signal ends the program. The kernel tells of signals that a program handles as well:
 *
 * 1. A process opens a file, and is sent a signal by its neighbour (PostgreSQL's do that all the time).
 * 2. The kernel sends INTERRUPT. EINTR would be what `open` returns, which no program expects of a file.
 *
 * It tells so only once for each request: a program that is killed later is found by looking again.
 */
export class Interrupts {
  readonly #since = new Map<Request, Micros>();
  readonly #wakeAt: (time: Micros) => void;

  constructor(wakeAt: (time: Micros) => void) {
    this.#wakeAt = wakeAt;
  }

  add(request: Request): void {
    const now = nowMicros();
    if (request.isPatient) return request.onGiveUp?.(Errno.EINTR);
    this.#since.set(request, now);
    this.look(now);
    this.#wakeAt(now + lookMicros);
  }

  /** @returns when to look again. */
  look(now: Micros): Micros {
    for (const [request, since] of this.#since) {
      if (request.isAnswered) this.#since.delete(request);
      else if (isDying(request.thread) ?? now - since >= unknownMicros) request.onGiveUp?.(Errno.EINTR);
    }
    return this.#since.size > 0 ? now + lookMicros : Number.POSITIVE_INFINITY;
  }
}
