/** The simulated system has broken a promise. */
export class Violation extends Error {
  override readonly name = "Violation";
}

export function requireTrue(condition: boolean, truth: string): asserts condition {
  if (!condition) throw new Violation(`broken: ${truth}`);
}
