/** A way to break the core, as a change of its built text. */
export interface Mutation {
  /** What the core does then: with the rule's label, where there is one. */
  readonly name: string;
  /** Under the build's folder. */
  readonly file: string;
  /** Found whatever its white space; must be found once. */
  readonly from: string;
  readonly to: string;
  /** What of the swarm a simulation must have to come by the place at all: such seeds are run first. */
  readonly needs?: MutationNeed;
}

export type MutationNeed = "homeCrashes" | "leases";

export function m(name: string, file: string, from: string, to: string): Mutation {
  return { name, file: `src/core/${file}`, from, to };
}

export function needing(needs: MutationNeed, mutations: readonly Mutation[]): Mutation[] {
  return mutations.map((mutation) => ({ ...mutation, needs }));
}

/** How often the text of the mutation stands in its file: anything but once means that the core has moved under it. */
export function countPlaces(text: string, { from }: Mutation): number {
  return text.match(patternOf(from))?.length ?? 0;
}

export function broken(text: string, { from, to }: Mutation): string {
  return text.replace(patternOf(from), () => to);
}

/** The compiler breaks lines and adds blanks of its own, and comments may stand between two lines. */
function patternOf(text: string): RegExp {
  const words = text.split(/\s+/).map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(words.join("\\s+(?://[^\\n]*\\n\\s*)*"), "g");
}
