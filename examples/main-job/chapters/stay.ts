import type { FileMap, Volume } from "dmmap";
import { shared } from "../job.js";

const bytesApart = 16 * 1024;
let kept: FileMap | undefined;

/** On a node: keeps a part of the shared file mapped and reads all of it, so that there are tokens to see. */
export async function stay(volume: Volume, _: object): Promise<void> {
  const file = await volume.open(shared.name);
  kept = await file.map(shared.own);
  await kept.prefetch(0, shared.own.length, "read");
}

/** Then: stores to a page of its own, which takes that page from the others. */
export async function storeOwn(_volume: Volume, { index }: { index: number }): Promise<void> {
  if (kept !== undefined) new Uint8Array(kept.buffer)[index * bytesApart] = index + 1;
}
