/**
 * Stops the caller when something that must be true is not. Kept in production: a node or home that broke an invariant
 * must stop before it corrupts a file. The message is the true sentence, with its rule.
 */
export function assert(condition: boolean, truth: string): asserts condition {
  if (!condition) throw new InvariantError(truth);
}

export class InvariantError extends Error {
  override readonly name = "InvariantError";
  readonly code = "DMMAP_INVARIANT";
}
