/** Something that must be true of a mapping is not: the process stops before it reads or writes a wrong page. */
export class InvariantError extends Error {
  override readonly name = "InvariantError";
  readonly code = "DMMAP_INVARIANT";
}

export function assert(condition: boolean, truth: string): asserts condition {
  if (!condition) throw new InvariantError(truth);
}
