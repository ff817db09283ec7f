import { type Micros, Mode, type PageIndex } from "../units.js";
import type { PinRange } from "./pin-list.js";
import type { Revoke } from "./revoke-list.js";
import type { TokenPort } from "./token-port.js";

/** Longest time pages are kept for work. */
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
 * What a node gives back by itself, with a lock, is not kept for work: that is done.
 *
 * A ring of the last pages that threads were let on at: what falls out of it has long run.
 */
export class FreshGrants {
  readonly #starts = new Float64Array(capacity).fill(-1);
  readonly #ends = new Float64Array(capacity).fill(-1);
  readonly #modes = new Uint8Array(capacity);
  readonly #sequences = new Float64Array(capacity);
  readonly #workUntil = new Float64Array(capacity);
  readonly #until = new Float64Array(capacity);
  #next = 0;

  /** A thread that had waited for these since `since`, as number `sequence`, has been let on at the first of them. */
  add(start: PageIndex, end: PageIndex, mode: Mode, sequence: number, since: Micros, now: Micros): void {
    const index = this.#next;
    this.#next = (index + 1) % capacity;
    this.#starts[index] = start;
    this.#ends[index] = end;
    this.#modes[index] = mode;
    this.#sequences[index] = sequence;
    this.#workUntil[index] = now + Math.min(workMicrosMax, (now - since) * holdShare);
    this.#until[index] = now + holdMicrosMax;
  }

  /** A hold has ended, whose pages a thread that had waited since `since` works with in another cache; Infinity: none does. */
  addHold(hold: PinRange | undefined, since: Micros, now: Micros): void {
    if (hold !== undefined && since <= now) this.add(hold.start, hold.end, hold.mode, hold.sequence, since, now);
  }

  /**
   * @returns when to look again before the revoke may be answered; `now` when it may be already. Threads that came after it do
   * not count.
   */
  keepUntil(
    { mode, start, end, sequence, isOwn }: Pick<Revoke, "mode" | "start" | "end" | "sequence" | "isOwn">,
    now: Micros,
    port: Pick<TokenPort, "hasRun">,
  ): Micros {
    let keepUntil = now;
    for (let index = 0; index < capacity; index++) {
      const page = this.#starts[index];
      if (page >= end || this.#ends[index] <= start || this.#modes[index] <= mode) continue;
      if (this.#sequences[index] > sequence || this.#until[index] <= now) continue;
      if (this.#workUntil[index] > now && !isOwn) keepUntil = Math.max(keepUntil, this.#workUntil[index]);
      else if (!port.hasRun(page)) keepUntil = Math.max(keepUntil, Math.min(this.#until[index], now + lookAgainMicros));
    }
    return keepUntil;
  }

  /** Pages whose threads have been let on and have not run. */
  describe(port: Pick<TokenPort, "hasRun">): string {
    const line: string[] = [];
    for (let index = 0; index < capacity; index++) {
      const page = this.#starts[index];
      if (page < 0 || port.hasRun(page)) continue;
      line.push(`${this.#modes[index] === Mode.write ? "write" : "read"} ${page} ~${this.#sequences[index]}`);
    }
    return line.join(", ") || "none";
  }
}
