import type { FileTokens } from "../core/token/file-tokens.js";
import { LockedPages } from "../core/token/locked-pages.js";
import { nowMicros } from "../kernel/clock.js";
import type { NodeFileSink } from "./node-file-sink.js";

/** A file's LockedPages, acting on its tokens. `act` runs what changes them. */
export function lockedPagesOf(
  tokens: FileTokens,
  sink: Pick<NodeFileSink, "nextPin">,
  act: (action: () => void) => void,
): LockedPages {
  return new LockedPages({
    epoch: () => tokens.epoch,
    allows: (mode, start, end) => tokens.allows(mode, start, end),
    bring: (mode, start, end) => act(() => tokens.prefetch(sink.nextPin(), mode, start, end, nowMicros())),
    giveBack: (start, end) => act(() => tokens.giveBack(start, end, nowMicros())),
  });
}
