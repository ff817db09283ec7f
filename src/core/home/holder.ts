import type { TokenRanges } from "../token-ranges.js";
import { Mode, type NodeId, type PageIndex } from "../units.js";

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
