import type { TokenRanges } from "../token-ranges.js";
import type { Micros, PageIndex } from "../units.js";
import type { Pin, PinList } from "./pin-list.js";
import { fetchPagesMax, type Requests } from "./requests.js";
import type { RevokeList } from "./revoke-list.js";
import type { TokenPort } from "./token-port.js";

/** Brings what holds and prefetches wait for: first the token, then the pages. */
export class PinServer {
  readonly #port: TokenPort;
  readonly #pins: PinList;
  readonly #held: TokenRanges;
  readonly #requests: Requests;
  readonly #revokes: RevokeList;
  /** Pages end at the end of the file. */
  #fileEnd: PageIndex = 0;
  #lookAgainAt: Micros = Number.POSITIVE_INFINITY;

  constructor(port: TokenPort, pins: PinList, held: TokenRanges, requests: Requests, revokes: RevokeList) {
    this.#port = port;
    this.#pins = pins;
    this.#held = held;
    this.#requests = requests;
    this.#revokes = revokes;
  }

  /** @returns when to look again; Infinity when something else will happen first. */
  serve(fileEnd: PageIndex, now: Micros): Micros {
    this.#fileEnd = fileEnd;
    this.#lookAgainAt = Number.POSITIVE_INFINITY;
    for (let pin = this.#pins.firstWaiting(); pin !== undefined; pin = this.#pins.nextWaiting(pin)) {
      if (!this.#serveWindows(pin, now)) continue;
      this.#pins.satisfy(pin);
      this.#port.pinned(pin.pin);
    }
    return this.#lookAgainAt;
  }

  /** A prefetch goes on window by window, each with its token first: pages that are cached may be so under a weaker one. */
  #serveWindows(pin: Pin, now: Micros): boolean {
    if (!pin.data) return this.#hasToken(pin);
    const end = Math.min(pin.end, this.#fileEnd);
    while (this.#hasToken(pin) && this.#hasPages(pin, now)) if (pin.reached >= end) return true;
    return false;
  }

  /** The end of what a pin is served next. */
  #windowEnd(pin: Pin): PageIndex {
    const end = Math.min(pin.end, this.#fileEnd);
    return pin.hold ? end : Math.min(end, pin.reached + fetchPagesMax);
  }

  /** Whether the token that the pin needs next is held; asks for it if not. */
  #hasToken(pin: Pin): boolean {
    // A hold takes its token in one piece, so that two of them never wait for each other half-way.
    const start = pin.hold ? pin.start : pin.reached;
    const end = pin.hold ? pin.end : this.#windowEnd(pin);
    if (start >= end) return true;
    if (this.#held.weakest(start, end) >= pin.mode) return !pin.hold || !this.#mustGiveWay(pin);
    if (!this.#requests.acquires.covers(start, end, pin.mode, pin.isUrgent)) {
      // Pages that are going to be replaced as a whole need not come with it.
      const windowEnd = pin.data ? Math.min(end, start + fetchPagesMax, this.#fileEnd) : start;
      const needsData = pin.data && this.#port.nextUncached(start, windowEnd) < windowEnd;
      this.#requests.acquire(pin.mode, start, end, windowEnd, needsData, pin.isUrgent);
    }
    return false;
  }

  /**
   * R10: a hold that came after a revoke waits until it has been answered, else a program with overlapping holds could keep
   * others out for ever. Where an earlier hold stands against that revoke, a new one inside it costs the waiter nothing
   * that the earlier one does not; and who asked for it may be who ends the earlier one, afterwards.
   */
  #mustGiveWay(pin: Pin): boolean {
    if (pin.isUrgent) return false;
    return this.#revokes.some(
      (revoke) =>
        revoke.mode < pin.mode &&
        revoke.start < pin.end &&
        revoke.end > pin.start &&
        (revoke.flushing || (revoke.sequence < pin.sequence && !this.#pins.isInsideHold(pin, revoke.sequence))),
    );
  }

  /** Whether the pages up to the window's end have all been here; fetches the next of them if not. */
  #hasPages(pin: Pin, now: Micros): boolean {
    const end = this.#windowEnd(pin);
    pin.reached = this.#port.nextUncached(Math.min(pin.reached, end), end);
    if (pin.reached >= end) return true;
    if (pin.retryAt > now) this.#lookAgainAt = Math.min(this.#lookAgainAt, pin.retryAt);
    else if (!this.#requests.fetches.isComing(pin.reached, this.#held)) this.#requests.fetch(pin.reached, end);
    return false;
  }
}
