import type { Access, History } from "./history.js";

/** Something that happened to the cluster, with its time on the machine's monotonic clock, in microseconds. */
export interface Happening {
  readonly at: number;
  readonly what: string;
}

/** How much before, and after, the times that a problem names. */
const aroundMicros = 2_000_000;

/** What the programs did with the word that a problem is about, and what was done to them, in the order of time. */
export function explain(problem: string, history: History, happenings: readonly Happening[]): string[] {
  const key = Number(/^word (\d+)/.exec(problem)?.[1]);
  const times = [...problem.matchAll(/ at (\d+)\.\./g)].map(([, time]) => Number(time));
  const [from, until] = [Math.min(...times) - aroundMicros, Math.max(...times) + aroundMicros];
  const accesses = history.accesses.filter((access) => access.key === key);
  const lines: Happening[] = [...happenings, ...withoutRepeats(accesses).map(told)];
  return lines
    .filter(({ at }) => at >= from && at <= until)
    .toSorted((one, other) => one.at - other.at)
    .map(({ at, what }) => `${Math.round(at)} ${what}`);
}

/** One who reads the same value again and again is told of at the first and the last time. */
function withoutRepeats(accesses: readonly Access[]): Access[] {
  const isSame = (one: Access | undefined, other: Access) =>
    one?.kind === "read" && other.kind === "read" && one.process === other.process && one.value === other.value;
  return accesses.filter((access, index) => {
    const [before, after] = [accesses[index - 1], accesses[index + 1]];
    return !isSame(before, access) || after === undefined || !isSame(after, access);
  });
}

function told({ kind, process, value, start, end }: Access): Happening {
  return { at: start, what: `${process} ${kind}s ${value}, until ${Math.round(end)}` };
}
