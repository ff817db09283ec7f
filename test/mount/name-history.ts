/** What a program did with a name: when, by a clock that all programs share, and what it was told. */
export interface NameUse {
  readonly act: "make" | "remove" | "look";
  /**
   * Whether it was told that the name is there: of `make` EEXIST, of `remove` that it has removed it. Undefined: it was told neither,
   * and may have happened or not.
   */
  readonly wasThere: boolean | undefined;
  readonly start: bigint;
  readonly end: bigint;
}

/** What may be so: whether the name is there, and which of the uses that are under way have happened by then. */
type Possible = Map<string, { readonly isThere: boolean; readonly happened: ReadonlySet<NameUse> }>;

/**
 * Whether there is an order of these uses of one name, each at some moment between its start and its end, in which every program
 * was told the truth (linearizability: Herlihy and Wing, 1990). The name is not there at first.
 *
 * @returns the first use whose end has no such order, undefined if there is one
 */
export function firstUntrue(uses: readonly NameUse[]): NameUse | undefined {
  const events = uses.flatMap((use) => [
    { at: use.start, isEnd: false, use },
    { at: use.end, isEnd: true, use },
  ]);
  // Of two at the same time the start first: that allows more.
  events.sort((one, other) =>
    one.at === other.at ? Number(one.isEnd) - Number(other.isEnd) : one.at < other.at ? -1 : 1,
  );
  const numbers = new Map(uses.map((use, index) => [use, index]));
  const keyOf = (isThere: boolean, happened: ReadonlySet<NameUse>) =>
    [isThere, ...[...happened].map((use) => numbers.get(use) ?? 0).sort((one, other) => one - other)].join(" ");
  let possible: Possible = new Map([["", { isThere: false, happened: new Set() }]]);
  const underWay = new Set<NameUse>();
  for (const { isEnd, use } of events) {
    if (!isEnd) {
      underWay.add(use);
      continue;
    }
    const next: Possible = new Map();
    const seen = new Set<string>();
    const left = [...possible.values()];
    for (let one = left.pop(); one !== undefined; one = left.pop()) {
      const { isThere, happened } = one;
      const key = keyOf(isThere, happened);
      if (seen.has(key)) continue;
      seen.add(key);
      if (happened.has(use) || use.wasThere === undefined) {
        const rest = new Set([...happened].filter((other) => other !== use));
        next.set(keyOf(isThere, rest), { isThere, happened: rest });
      }
      if (happened.has(use)) continue; // The others may still happen later.
      for (const other of underWay) {
        if (happened.has(other) || (other.wasThere ?? isThere) !== isThere) continue;
        left.push({
          isThere: other.act === "look" ? isThere : other.act === "make",
          happened: new Set([...happened, other]),
        });
      }
    }
    underWay.delete(use);
    if (next.size === 0) return use;
    possible = next;
  }
  return undefined;
}
