import type { Volume } from "dmmap";
import { shared } from "../job.js";

const bytesApart = 16 * 1024;

/** On a node: keeps the shared file mapped, stores to a page of its own and reads the others', so that there are tokens to see. */
export async function stay(volume: Volume, { index }: { index: number }): Promise<void> {
  const file = await volume.open(shared.name);
  const map = await file.map(shared.own);
  const bytes = new Uint8Array(map.buffer);
  bytes[index * bytesApart] = index + 1;
  await map.prefetch(0, shared.own.length, "read");
}
