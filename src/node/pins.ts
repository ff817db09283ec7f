import type { DmmapError } from "../core/error.js";
import type { Micros, Mode, PageIndex } from "../core/units.js";
import { nowMicros } from "../kernel/clock.js";
import type { NodeFile } from "./node-file.js";

/** What a pin asks for. */
export interface PinRequest {
  readonly mode: Mode;
  readonly start: PageIndex;
  readonly end: PageIndex;
  /** `hold`: token and pages, kept until `unpin`; `token`: the same without the pages; `prefetch`: brought once. */
  readonly kind: "hold" | "token" | "prefetch";
  /** As of `PinRange`; not of a prefetch. */
  readonly isUrgent?: boolean;
}

interface Waiter {
  readonly file: NodeFile;
  readonly onPinned: () => void;
  readonly onFailed: ((error: DmmapError) => void) | undefined;
}

/**
 * Ranges that somebody on this node holds on to, or waits for: joins the numbers by which the token machines know pins to
 * what is to happen when they are satisfied. That happens in `drain`, outside of the machines.
 */
export class Pins {
  readonly #onDeadline: (deadline: number) => void;
  readonly #waiters = new Map<number, Waiter>();
  readonly #satisfied: number[] = [];
  readonly #failed: { readonly pin: number; readonly error: DmmapError }[] = [];
  #last = 0;

  constructor(onDeadline: (deadline: number) => void) {
    this.#onDeadline = onDeadline;
  }

  /** A number for a pin of the node's own: negative, as programs number theirs by themselves, from 1 on. */
  next(): number {
    return --this.#last;
  }

  /**
   * `onPinned` is called once everything is here, unless `unpin` comes first. `onFailed`, if there is one, is called instead when
   * the home cannot read a page of it, and that is the end of the pin; without one it waits until the home can.
   */
  pin(
    file: NodeFile,
    pin: number,
    { mode, start, end, kind, isUrgent }: PinRequest,
    onPinned: () => void,
    onFailed?: (error: DmmapError) => void,
  ): void {
    this.#waiters.set(pin, { file, onPinned, onFailed });
    file.usable.when(() => {
      if (!this.#waiters.has(pin)) return; // Given up meanwhile.
      if (kind === "prefetch") file.tokens.prefetch(pin, mode, start, end, nowMicros());
      else file.tokens.pin(pin, mode, start, end, nowMicros(), kind === "hold", isUrgent);
      this.#onDeadline(file.tokens.deadline);
    });
  }

  /** `since`: as of `FileTokens.unpin`. */
  unpin(file: NodeFile | undefined, pin: number, since?: Micros): void {
    this.#waiters.delete(pin);
    file?.unpin(pin, since);
  }

  /** A machine says that a pin has what it asked for. */
  onPinned(pin: number): void {
    this.#satisfied.push(pin);
  }

  /** A machine says that the home could not read a page that a pin waits for. */
  onFailed(pin: number, error: DmmapError): void {
    if (this.#waiters.get(pin)?.onFailed !== undefined) this.#failed.push({ pin, error });
  }

  /** Nothing of the file will come any more. */
  fail(file: NodeFile, error: DmmapError): void {
    for (const [pin, waiter] of this.#waiters) if (waiter.file === file) this.onFailed(pin, error);
  }

  drain(): void {
    for (let failed = this.#failed.shift(); failed !== undefined; failed = this.#failed.shift()) {
      const { file, onFailed } = this.#waiters.get(failed.pin) ?? {};
      if (onFailed === undefined) continue; // Given up meanwhile.
      this.unpin(file, failed.pin);
      onFailed(failed.error);
    }
    for (let pin = this.#satisfied.shift(); pin !== undefined; pin = this.#satisfied.shift()) {
      const waiter = this.#waiters.get(pin);
      this.#waiters.delete(pin);
      waiter?.onPinned();
    }
  }
}
