import { assert } from "../assert.js";
import { TokenRanges } from "../token-ranges.js";
import { type Epoch, Mode, type NodeId, type PageIndex } from "../units.js";

/** A revoke that has not been answered. */
interface Revoke {
  readonly mode: Mode;
  readonly start: PageIndex;
  readonly end: PageIndex;
}

/** What the home knows of one node that has the file open. */
export interface Holder {
  tokens: TokenRanges;
  revokes: Revoke[];
  /** What the node says it holds, while it reconnects; in force at `endClaims`. */
  claims: TokenRanges | undefined;
  /** It is known to have heard that it has the file open; after its connection was lost, not before it says something of it. */
  isHeard: boolean;
}

export function newHolder(): Holder {
  return { tokens: new TokenRanges(), revokes: [], claims: undefined, isHeard: true };
}

/** Not so who may be about to claim what it holds. */
export function mayBeOffered(holder: Holder | undefined): holder is Holder {
  return holder?.isHeard === true && holder.claims === undefined;
}

/** For people: what it holds, and was asked to give back. */
export function describeHolder([node, { tokens, revokes }]: readonly [NodeId, Holder]): string {
  const asked = revokes.map(({ mode, start, end }) => ` asked ${start}..${end} to ${mode}`).join("");
  return `node ${node} ${tokens.describe()}${asked}`;
}

/** It holds less of [start, end): what it was asked of that, and has given, is done. */
export function forgetAnswered(holder: Holder, start: PageIndex, end: PageIndex): void {
  const { tokens, revokes } = holder;
  holder.revokes = revokes.filter((revoke) => {
    return revoke.end <= start || revoke.start >= end || tokens.strongest(revoke.start, revoke.end) > revoke.mode;
  });
}

/**
 * 1. A revoke is sent. 2. A grant that it does not forbid raises the epoch of the same range: who asked is gone, or needs
 * less than it takes. 3. The answer to 1, of an older epoch, is ignored. So the revoke no longer counts as asked, and is sent
 * again if anybody still stands in line for it.
 */
export function forgetCrossed(holder: Holder, start: PageIndex, end: PageIndex): void {
  if (holder.revokes.length === 0) return;
  holder.revokes = holder.revokes.filter((revoke) => revoke.end <= start || revoke.start >= end);
}

/**
 * The recovery is over, and what this node claims is not ended: a claim of what it has not been known to hold is void, as it would be
 * from now on. What it is known to hold is not:
 *
 * 1. A node has claimed, and ended its claims. 2. Its connection breaks; it is back, and claims the same once more. 3. The last of
 * the others is done. Whoever waits for that range must go on waiting for this node, which has it, and its stores.
 */
export function forgetNewClaims({ tokens, claims }: Holder): void {
  if (claims === undefined) return;
  for (let index = claims.count - 1; index >= 0; index--) {
    const [start, end] = [claims.start(index), claims.end(index)];
    if (tokens.weakest(start, end) < claims.mode(index)) claims.set(start, end, Mode.none, 0);
  }
}

/** After a restart: whether nobody but this node holds the range, or claims it, against this mode. */
export function isUnclaimed(
  holders: ReadonlyMap<NodeId, Holder>,
  node: NodeId,
  mode: Mode,
  start: PageIndex,
  end: PageIndex,
): boolean {
  const limit = mode === Mode.write ? Mode.none : Mode.read;
  for (const [other, { tokens, claims }] of holders) {
    if (other === node) continue;
    if (tokens.strongest(start, end) > limit || (claims?.strongest(start, end) ?? Mode.none) > limit) return false;
  }
  return true;
}

/** R1, of what has just been granted. */
export function assertAlone(
  holders: ReadonlyMap<NodeId, Holder>,
  grantee: NodeId,
  mode: Mode,
  start: PageIndex,
  end: PageIndex,
): void {
  const limit = mode === Mode.write ? Mode.none : Mode.read;
  for (const [node, { tokens }] of holders) {
    assert(node === grantee || tokens.strongest(start, end) <= limit, "R1: one writer, or any number of readers");
  }
}

/** The first page in [start, end) that another node than this may be storing to; `end` when none is. */
export function nextWritten(
  holders: ReadonlyMap<NodeId, Holder>,
  node: NodeId,
  start: PageIndex,
  end: PageIndex,
): PageIndex {
  let first = end;
  for (const [other, { tokens }] of holders) {
    if (other === node) continue;
    for (let index = tokens.firstEndingAfter(start); index < tokens.count && tokens.start(index) < first; index++) {
      if (tokens.mode(index) === Mode.write) first = Math.max(start, tokens.start(index));
    }
  }
  return first;
}

/** A segment of a directory, for people and tests. */
export interface DirectorySegment {
  readonly node: NodeId;
  readonly mode: Mode;
  readonly start: PageIndex;
  readonly end: PageIndex;
  readonly epoch: Epoch;
}

export function segmentCountOf(holders: ReadonlyMap<NodeId, Holder>): number {
  let count = 0;
  for (const { tokens } of holders.values()) count += tokens.count;
  return count;
}

export function* segmentsOf(holders: ReadonlyMap<NodeId, Holder>): Generator<DirectorySegment> {
  for (const [node, { tokens }] of holders) {
    for (let index = 0; index < tokens.count; index++) {
      const [mode, start, end] = [tokens.mode(index), tokens.start(index), tokens.end(index)];
      yield { node, mode, start, end, epoch: tokens.epoch(index) };
    }
  }
}
