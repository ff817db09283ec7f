import { Mode, type NodeId, type PageIndex, type Policy, pageMax } from "../units.js";
import type { WantedPages } from "../wire/lock-frame.js";

/** One `acquire` in line. The range needed conflicts with others; the range wanted is a wish. */
export interface Waiter {
  readonly node: NodeId;
  readonly request: number;
  readonly mode: Mode;
  readonly needStart: PageIndex;
  readonly needEnd: PageIndex;
  readonly wantStart: PageIndex;
  readonly wantEnd: PageIndex;
  readonly dataStart: PageIndex;
  readonly dataEnd: PageIndex;
  readonly windowEnd: PageIndex;
  readonly needsData: boolean;
}

/** Somebody who has asked for these: by the simple policy, for all of the file, to write it. */
export function asked(
  policy: Policy,
  node: NodeId,
  request: number,
  mode: Mode,
  pages: Pick<Waiter, "needStart" | "needEnd" | "wantStart" | "wantEnd" | "windowEnd" | "needsData">,
): Waiter {
  const { needStart, needEnd, wantStart, wantEnd, windowEnd, needsData } = pages;
  const simple = policy === "simple";
  return {
    node,
    request,
    mode: simple ? Mode.write : mode,
    needStart: simple ? 0 : needStart,
    needEnd: simple ? pageMax : needEnd,
    wantStart: simple ? 0 : Math.min(wantStart, needStart),
    wantEnd: simple ? pageMax : Math.max(wantEnd, needEnd),
    dataStart: needStart,
    dataEnd: Math.min(needEnd, Math.max(windowEnd, needStart)),
    windowEnd: Math.max(windowEnd, needStart),
    needsData,
  };
}

/** Somebody who has not asked: granted at once, or not at all. */
export function offered(node: NodeId, { request, mode, start, end }: WantedPages, needsData: boolean): Waiter {
  const [needs, wants] = [
    { needStart: start, needEnd: end },
    { wantStart: start, wantEnd: end },
  ];
  return { node, request, mode, ...needs, ...wants, dataStart: start, dataEnd: end, windowEnd: end, needsData };
}

/** Whether what the two ask for, of the same pages, could not be held by both. */
export function modesConflict(one: Waiter, other: Waiter): boolean {
  return one.node !== other.node && (one.mode === Mode.write || other.mode === Mode.write);
}

export function needsConflict(one: Waiter, other: Waiter): boolean {
  return modesConflict(one, other) && one.needStart < other.needEnd && other.needStart < one.needEnd;
}

/** In words, for people who look at a stuck file. */
export function describeWaiter(waiter: Waiter): string {
  const { node, request, mode, needStart, needEnd, wantEnd, windowEnd, needsData } = waiter;
  return `node ${node} #${request} ${mode} ${needStart}..${needEnd} of ..${wantEnd}${needsData ? ` data ..${windowEnd}` : ""}`;
}
