import type { DmmapError } from "../core/error.js";

/** More than a node has under way at a time; the oldest are forgotten first. */
const outcomesMax = 4096;

type Outcome = { readonly reply: object } | { readonly error: DmmapError };

/**
 * What became of the changes that one node asked for, by its own numbers for them:
 *
 * 1. A node asks to rename a file. It is done. 2. The connection takes the answer with it. 3. The node asks again: without this it
 * would be told that there is no such file.
 */
export class Outcomes {
  readonly #byKey = new Map<number, Outcome>();

  find(key: number | undefined): Outcome | undefined {
    return key === undefined ? undefined : this.#byKey.get(key);
  }

  add(key: number, outcome: Outcome): void {
    this.#byKey.set(key, outcome);
    if (this.#byKey.size <= outcomesMax) return;
    for (const oldest of this.#byKey.keys()) {
      this.#byKey.delete(oldest);
      return;
    }
  }
}
