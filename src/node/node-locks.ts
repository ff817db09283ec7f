import { DmmapError } from "../core/error.js";
import type { HomeConnection } from "./home-connection.js";

interface HeldLock {
  /** This node's id of the file. */
  readonly file: number;
  /** The home's number for the lock, in the present session. */
  number: number;
  readonly start: number;
  readonly length: number;
  readonly mode: "shared" | "exclusive";
}

/** The advisory locks that this node holds: they live on when the home restarts, under numbers of our own. */
export class NodeLocks {
  readonly #held = new Map<number, HeldLock>();
  #last = 0;

  /** @returns this node's number for it. */
  add(file: number, number: number, { start, length, mode }: Pick<HeldLock, "start" | "length" | "mode">): number {
    this.#held.set(++this.#last, { file, number, start, length, mode });
    return this.#last;
  }

  /** @throws DMMAP_LOST when the session ended in which it was held. */
  find(lock: number): HeldLock {
    const held = this.#held.get(lock);
    if (held === undefined)
      throw new DmmapError("DMMAP_LOST", "the lock was lost with this node's session, or released");
    return held;
  }

  remove(lock: number): void {
    this.#held.delete(lock);
  }

  removeFile(file: number): void {
    for (const [lock, held] of this.#held) if (held.file === file) this.#held.delete(lock);
  }

  /** Says which locks of a file are held here, to a home that has to hear it again. */
  claim(file: number, number: number, connection: HomeConnection): void {
    for (const [lock, held] of this.#held) {
      if (held.file !== file) continue;
      const { start, length, mode } = held;
      connection.request("claimLock", { file: number, start, length, mode }, (answer) => {
        if (answer === undefined) return; // Down once more: claimed again then.
        const { lock: granted } = answer as { lock: number | null };
        if (granted === null) this.#held.delete(lock);
        else held.number = granted;
      });
    }
  }

  clear(): void {
    this.#held.clear();
  }
}
