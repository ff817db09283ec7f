import { Mode, type NodeId, type PageIndex } from "../units.js";
import type { Holder } from "./holder.js";
import { modesConflict, type Waiter } from "./waiter.js";

/** What a grant covers: more than its waiter needs, as far as it wants and nobody else is in the way. */
export class GrantRange {
  start: PageIndex = 0;
  end: PageIndex = 0;

  begin(start: PageIndex, end: PageIndex): void {
    this.start = start;
    this.end = end;
  }

  /** It stops short of the nearest segments, on both sides, that others hold against its mode. */
  yieldToHolders(waiter: Waiter, holders: ReadonlyMap<NodeId, Holder>): void {
    const limit = waiter.mode === Mode.write ? Mode.none : Mode.read;
    for (const [node, { tokens }] of holders) {
      if (node === waiter.node) continue;
      let after = tokens.firstEndingAfter(waiter.needStart);
      for (let before = after - 1; before >= 0 && tokens.end(before) > waiter.wantStart; before--) {
        if (tokens.mode(before) <= limit) continue;
        this.start = Math.max(this.start, tokens.end(before));
        break;
      }
      for (; after < tokens.count && tokens.start(after) < waiter.wantEnd; after++) {
        if (tokens.mode(after) <= limit) continue;
        this.end = Math.min(this.end, tokens.start(after));
        break;
      }
    }
  }

  /** And short of what anybody in line needs: those before `kept`, and those after `index`, where the waiter stood. */
  yieldToLine(waiter: Waiter, line: readonly Waiter[], index: number, kept: number): void {
    for (let at = 0; at < line.length; at++) {
      if (at === kept) at = index + 1; // Between them stand copies of waiters that have moved up, or been granted.
      if (at === line.length) return;
      const other = line[at];
      // Who has been passed over waits for an answer that a grant over its range would cross.
      if (other.node === waiter.node || (at > index && !modesConflict(other, waiter))) continue;
      if (other.needStart < waiter.needStart) {
        this.start = Math.max(this.start, Math.min(other.needEnd, waiter.needStart));
      }
      if (other.needEnd > waiter.needEnd) {
        this.end = Math.min(this.end, Math.max(other.needStart, waiter.needEnd));
      }
    }
  }
}
