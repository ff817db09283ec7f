import { checkPatience, type Patience } from "./patience.js";

/** An advisory lock that this node holds, until `release`, the close of its volume, or the end of its lease. */
export class Lock implements AsyncDisposable {
  readonly mode: "shared" | "exclusive";
  /** In bytes; a `length` of 0 reaches to the end. */
  readonly start: number;
  readonly length: number;
  #unlock: ((patience: Patience) => Promise<void>) | undefined;

  /** Use `file.lock`. */
  constructor(
    mode: "shared" | "exclusive",
    start: number,
    length: number,
    unlock: (patience: Patience) => Promise<void>,
  ) {
    this.mode = mode;
    this.start = start;
    this.length = length;
    this.#unlock = unlock;
  }

  /** Who gives up on it does not keep the lock: it goes when the home hears of it. */
  async release(options: Patience = {}): Promise<void> {
    checkPatience(options);
    const unlock = this.#unlock;
    this.#unlock = undefined;
    await unlock?.(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }
}
