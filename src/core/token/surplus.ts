import type { TokenRanges } from "../token-ranges.js";
import type { PageIndex } from "../units.js";

const surplusPagesMax = 65_536;

/**
 * How far a revoke that ends at `end` may be answered with more than was asked: as far as the asker would go and the token
 * reaches, and not without bound. So whoever walks through a file asks once a stretch, not once a page.
 */
export function surplusLimit(held: TokenRanges, end: PageIndex, wantEnd: PageIndex): PageIndex {
  const index = held.firstEndingAfter(end);
  if (index === held.count || held.start(index) > end) return end;
  return Math.max(end, Math.min(wantEnd, held.end(index), end + surplusPagesMax));
}
