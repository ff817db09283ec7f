import { type Dirent, readdirSync } from "node:fs";
import { join } from "node:path";
import type { FileStat } from "../core/wire/control.js";
import { listBytesMax } from "../core/wire/frame.js";
import { ownFolder } from "./names.js";
import type { ListPage, ListQuery } from "./store.js";

const limitMax = 1000;

/** Collects one page of a list from names that come in order. */
export class ListCollector {
  readonly #after: string;
  readonly #prefix: string;
  readonly #limit: number;
  readonly #stat: (name: string) => FileStat | undefined;
  readonly #files: FileStat[] = [];
  #bytes = 0;
  #more = false;

  /** `stat` answers undefined for what is not a regular file, or gone meanwhile. */
  constructor(query: ListQuery, stat: (name: string) => FileStat | undefined) {
    this.#after = query.after ?? "";
    this.#prefix = query.prefix ?? "";
    this.#limit = Math.min(query.limit ?? limitMax, limitMax);
    this.#stat = stat;
  }

  /** @returns false when the page is full: further names are of no use. */
  offer(name: string): boolean {
    if (name <= this.#after || !name.startsWith(this.#prefix)) return true;
    const stat = this.#stat(name);
    if (stat === undefined) return true;
    const bytes = Buffer.byteLength(JSON.stringify(stat)) + 1;
    if (this.#files.length >= this.#limit || this.#bytes + bytes > listBytesMax) {
      this.#more = true;
      return false;
    }
    this.#files.push(stat);
    this.#bytes += bytes;
    return true;
  }

  /** Whether names that begin with this could be of use. */
  wants(start: string): boolean {
    const mayFollow = start > this.#after || this.#after.startsWith(start);
    return mayFollow && (start.startsWith(this.#prefix) || this.#prefix.startsWith(start));
  }

  page(): ListPage {
    return { files: this.#files, more: this.#more };
  }
}

/** Offers the names of all files under a folder, in the order of whole names. Symbolic links are not followed. */
export function offerNames(root: string, start: string, collector: ListCollector): boolean {
  for (const { name, folder } of entriesInOrder(join(root, start))) {
    const whole = start + name;
    if (folder ? whole === `${ownFolder}/` || !collector.wants(whole) : false) continue;
    const goOn = folder ? offerNames(root, whole, collector) : collector.offer(whole);
    if (!goOn) return false;
  }
  return true;
}

/** A folder's name ends in "/" here: so sorting by it sorts the names of the files in it among their neighbours. */
function entriesInOrder(path: string): { name: string; folder: boolean }[] {
  return read(path)
    .filter((entry) => entry.isFile() || entry.isDirectory())
    .map((entry) => ({ name: entry.isDirectory() ? `${entry.name}/` : entry.name, folder: entry.isDirectory() }))
    .sort((one, other) => (one.name < other.name ? -1 : 1));
}

function read(path: string): Dirent[] {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch {
    return []; // Gone, or not to be read by this home: then its files are not served either.
  }
}
