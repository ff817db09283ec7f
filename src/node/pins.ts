import type { Mode, PageIndex } from "../core/units.js";
import { nowMicros } from "../kernel/clock.js";
import type { NodeFile } from "./node-file.js";

/** What a pin asks for. */
export interface PinRequest {
  readonly mode: Mode;
  readonly start: PageIndex;
  readonly end: PageIndex;
  /** `hold`: token and pages, kept until `unpin`; `token`: the same without the pages; `prefetch`: brought once. */
  readonly kind: "hold" | "token" | "prefetch";
}

/**
 * Ranges that somebody on this node holds on to, or waits for: joins the numbers by which the token machines know pins to
 * what is to happen when they are satisfied. That happens in `drain`, outside of the machines.
 */
export class Pins {
  readonly #onDeadline: (deadline: number) => void;
  readonly #waiters = new Map<number, () => void>();
  readonly #satisfied: number[] = [];
  #last = 0;

  constructor(onDeadline: (deadline: number) => void) {
    this.#onDeadline = onDeadline;
  }

  /** A number for a pin of the node's own: negative, as programs number theirs by themselves, from 1 on. */
  next(): number {
    return --this.#last;
  }

  /** `onPinned` is called once everything is here, unless `unpin` comes first. */
  pin(file: NodeFile, pin: number, { mode, start, end, kind }: PinRequest, onPinned: () => void): void {
    this.#waiters.set(pin, onPinned);
    file.whenUsable(() => {
      if (!this.#waiters.has(pin)) return; // Given up meanwhile.
      if (kind === "prefetch") file.tokens.prefetch(pin, mode, start, end, nowMicros());
      else file.tokens.pin(pin, mode, start, end, nowMicros(), kind === "hold");
      this.#onDeadline(file.tokens.deadline);
    });
  }

  unpin(file: NodeFile | undefined, pin: number): void {
    this.#waiters.delete(pin);
    file?.unpin(pin);
  }

  /** A machine says that a pin has what it asked for. */
  onPinned(pin: number): void {
    this.#satisfied.push(pin);
  }

  drain(): void {
    for (let pin = this.#satisfied.shift(); pin !== undefined; pin = this.#satisfied.shift()) {
      const onPinned = this.#waiters.get(pin);
      this.#waiters.delete(pin);
      onPinned?.();
    }
  }
}
