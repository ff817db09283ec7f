import type fc from "fast-check";

/** A machine, what may come to it from a peer, and what must hold whatever comes. Inputs are lists of JSON. */
export interface FuzzTarget<Input> {
  readonly name: string;
  readonly input: fc.Arbitrary<Input>;
  /**
   * Gives the machine all of them, as a shell would: what is no sound message at all is refused before it. `note` hears what
   * happened: inputs that lead to something new are worth keeping.
   *
   * @throws when what must hold does not
   */
  readonly run: (inputs: readonly Input[], note: (what: string) => void) => void;
}

export const inputsMax = 40;
