import type { Micros } from "../units.js";

/** Part of a lease for which a node acts on what it holds. */
const leaseShare = 0.75;
/** Pings within a lease, so that losing one changes nothing. */
const pingsPerLease = 5;

/**
 * Until when a node may act on what it holds (R15). The home counts its lease from when it last heard the node; the node from
 * when it sent what the home has answered, which is earlier, and for a shorter time, which leaves room for clocks that run
 * differently (by a quarter of a lease, within one) and for the time it takes to unmap.
 */
export class NodeLease {
  leaseMicros: Micros = 10_000_000;
  /** When the message was sent to which the last answer was. */
  #confirmedAt: Micros = Number.POSITIVE_INFINITY;
  #pingedAt: Micros = 0;
  #isLapsed = false;

  get pingMicros(): Micros {
    return this.leaseMicros / pingsPerLease;
  }

  get until(): Micros {
    return this.#confirmedAt + this.leaseMicros * leaseShare;
  }

  /** When it has to be looked at; Infinity for never, since it is known to be over. */
  get deadline(): Micros {
    return this.#isLapsed ? Number.POSITIVE_INFINITY : this.until;
  }

  /** Over, and known to be: only a new `begin` helps, since no pong can tell whether the home has given anything away. */
  get isLapsed(): boolean {
    return this.#isLapsed;
  }

  /** Whether a ping is under way: the next one waits for its answer. */
  get isPinged(): boolean {
    return this.#pingedAt > 0;
  }

  /** The home has answered a hello that was sent at `greetedAt`. */
  begin(greetedAt: Micros, leaseMicros: Micros): void {
    this.leaseMicros = leaseMicros;
    this.#confirmedAt = greetedAt;
    this.#pingedAt = 0;
    this.#isLapsed = false;
  }

  pinged(now: Micros): void {
    this.#pingedAt = now;
  }

  /** A pong, asked for or not: a home that cannot read from us for a while says with others that our lease goes on there. */
  ponged(): void {
    if (!this.#isLapsed && this.#pingedAt > 0) this.#confirmedAt = this.#pingedAt;
    this.#pingedAt = 0;
  }

  /** Whether the time is over. `onLapsed` is called when that is seen for the first time: nothing held may be used any more. */
  hasLapsed(now: Micros, onLapsed: () => void): boolean {
    if (now < this.until) return false;
    if (!this.#isLapsed) onLapsed();
    this.#isLapsed = true;
    return true;
  }
}
