import { type Micros, Mode, type PageIndex } from "../units.js";
import type { TokenPort } from "./token-port.js";

/** Longest time a page is kept for work. */
const workMicrosMax = 2_000;
/** A thread that does not run for this long after it was let on loses its turn: the machine is overloaded. */
const holdMicrosMax = 10_000;
/** Part of the time that the thread had to wait for which its page is kept: work in proportion to what it cost. */
const holdShare = 0.5;
/** How soon to look again whether it has run. A wake-up across CPUs takes about this long. */
const lookAgainMicros = 20;
const capacity = 32;

/**
 * The adaptive minimum hold (R10). Between a grant and the retried store, another node could revoke for ever. A page is
 * kept until the thread that waited for it has really run, which the shell can measure, and for a part of the time that it
 * waited; so a hold is short where a hand-over is cheap, and as long as it must be on a loaded machine, up to a bound.
 *
 * A ring of the last pages that threads were let on at: what falls out of it has long run.
 */
export class FreshGrants {
  readonly #pages = new Float64Array(capacity).fill(-1);
  readonly #modes = new Uint8Array(capacity);
  readonly #sequences = new Float64Array(capacity);
  readonly #workUntil = new Float64Array(capacity);
  readonly #until = new Float64Array(capacity);
  #next = 0;

  /** A thread that had waited since `since`, as number `sequence`, has been let on. */
  add(page: PageIndex, mode: Mode, sequence: number, since: Micros, now: Micros): void {
    const index = this.#next;
    this.#next = (index + 1) % capacity;
    this.#pages[index] = page;
    this.#modes[index] = mode;
    this.#sequences[index] = sequence;
    this.#workUntil[index] = now + Math.min(workMicrosMax, (now - since) * holdShare);
    this.#until[index] = now + holdMicrosMax;
  }

  /**
   * @returns when to look again before a revoke (number `sequence`) may be answered; `now` when it may be already.
   * Threads that came after it do not count.
   */
  keepUntil(
    mode: Mode,
    start: PageIndex,
    end: PageIndex,
    sequence: number,
    now: Micros,
    port: Pick<TokenPort, "hasRun">,
  ): Micros {
    let keepUntil = now;
    for (let index = 0; index < capacity; index++) {
      const page = this.#pages[index];
      if (page < start || page >= end || this.#modes[index] <= mode) continue;
      if (this.#sequences[index] > sequence || this.#until[index] <= now) continue;
      if (this.#workUntil[index] > now) keepUntil = Math.max(keepUntil, this.#workUntil[index]);
      else if (!port.hasRun(page)) keepUntil = Math.max(keepUntil, Math.min(this.#until[index], now + lookAgainMicros));
    }
    return keepUntil;
  }

  /** Pages whose threads have been let on and have not run. */
  describe(port: Pick<TokenPort, "hasRun">): string {
    const line: string[] = [];
    for (let index = 0; index < capacity; index++) {
      const page = this.#pages[index];
      if (page < 0 || port.hasRun(page)) continue;
      line.push(`${this.#modes[index] === Mode.write ? "write" : "read"} ${page} ~${this.#sequences[index]}`);
    }
    return line.join(", ") || "none";
  }
}
