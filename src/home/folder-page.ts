import { listBytesMax } from "../core/wire/frame.js";
import type { FolderPage } from "../store/tree.js";

/** Of an entry's JSON, without its name: each number as long as it can be. */
const attributesBytesMax = 450;

/** As many of the entries as fit into one answer, whatever their names are: JSON may take six bytes for one. */
export function fitting({ entries, more }: FolderPage): FolderPage {
  let bytes = 0;
  for (const [index, { name }] of entries.entries()) {
    bytes += Buffer.byteLength(JSON.stringify(name)) + attributesBytesMax;
    if (bytes > listBytesMax) return { entries: entries.slice(0, index), more: true };
  }
  return { entries, more };
}
