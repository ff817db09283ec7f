import type { FolderPage } from "../store/tree.js";

/** An answer in text that is longer is no frame to a node (its input.ts). */
const pageBytesMax = 480 * 1024;
/** Of an entry's JSON, without its name: each number as long as it can be. */
const attributesBytesMax = 450;

/** As many of the entries as fit into one answer, whatever their names are: JSON may take six bytes for one. */
export function fitting({ entries, more }: FolderPage): FolderPage {
  let bytes = 0;
  for (const [index, { name }] of entries.entries()) {
    bytes += Buffer.byteLength(JSON.stringify(name)) + attributesBytesMax;
    if (bytes > pageBytesMax) return { entries: entries.slice(0, index), more: true };
  }
  return { entries, more };
}
