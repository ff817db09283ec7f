import { listBytesMax } from "../core/wire/frame.js";
import type { FencedEvent, FileTokensStatus, HomeStatus } from "../observe/status.js";

/** Of one fencing, so that one node that had everything open does not hide the others. */
const fencingBytesMax = 16 * 1024;

/** As much of a home's status as one answer to a node takes: no list takes the room of another. */
export function clippedStatus(status: HomeStatus): HomeStatus {
  return {
    ...status,
    files: clipped(status.files, listBytesMax / 2),
    nodes: clipped(status.nodes, listBytesMax / 4),
    fencings: clipped(status.fencings.map(clippedFencing), listBytesMax / 4),
  };
}

export function clippedTokens(tokens: FileTokensStatus): FileTokensStatus {
  return { ...tokens, segments: clipped(tokens.segments, listBytesMax) };
}

function clippedFencing(event: FencedEvent): FencedEvent {
  const files = clipped(event.files, fencingBytesMax);
  return files.length === event.files.length ? event : { ...event, files, isClipped: true };
}

/** The first of them, in at most so many bytes of JSON. */
function clipped<Item extends object>(items: readonly Item[], bytesMax: number): readonly Item[] {
  let bytes = 0;
  for (const [index, item] of items.entries()) {
    bytes += Buffer.byteLength(JSON.stringify(item)) + 1;
    if (bytes > bytesMax) return items.slice(0, index);
  }
  return items;
}
