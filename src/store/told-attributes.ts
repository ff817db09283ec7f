import type { Attributes } from "../core/wire/attributes.js";
import { Errno } from "../kernel/errno.js";
import type { InodeFacts, SystemTime } from "../kernel/facts.js";
import {
  listXattrs,
  listXattrsAt,
  listXattrsOfOpen,
  readXattr,
  readXattrAt,
  readXattrOfOpen,
} from "../kernel/inode-attributes.js";
import { accessListName, defaultListName, mostBy, narrowed } from "./access-lists.js";
import { isOver, isSame } from "./stamps.js";
import { isShownXattr } from "./tree-names.js";

const knownMax = 100_000;
const noNames: readonly string[] = [];

/** What extended attributes make of what stat says. */
interface Known {
  readonly ctime: SystemTime;
  readonly mode: number;
  readonly xattrs: boolean;
}

/**
 * What is told of things on the disk: what stat says, whether there are extended attributes, and a mode that gives nobody more
 * than an access list among them does. What was found is kept by the ctime, which each change of a mode or of such an attribute
 * sets: to ask for their names takes as long as stat.
 */
export class ToldAttributes {
  /** By inode, the oldest first. */
  readonly #known = new Map<number, Known>();

  /** Of what is open as `fd`, by O_PATH perhaps, or has this name in that folder. */
  of(facts: InodeFacts, fd: number, name = ""): Attributes {
    const known = this.#known.get(facts.inode);
    const isKnown = known !== undefined && isSame(known.ctime, facts.ctime);
    const { mode, xattrs } = isKnown ? known : this.#find(facts, fd, name);
    return { ...facts, mode, xattrs };
  }

  /** The permissions that a folder's default list leaves to what is made in it; undefined where there is no such list. */
  mostIn(folderFd: number): number | undefined {
    const list = readXattr(folderFd, defaultListName);
    return typeof list === "number" ? undefined : mostBy(viewOf(list));
  }

  #find({ inode, mode, ctime }: InodeFacts, fd: number, name: string): Known {
    const isSure = isOver(ctime);
    const names = namesOf(fd, name);
    const list = names?.includes(accessListName) === false ? undefined : listOf(fd, name);
    const xattrs = names?.some(isShownXattr) !== false;
    const found = { ctime, mode: list === undefined ? mode : narrowed(mode, list), xattrs };
    if (isSure) this.#keep(inode, found);
    return found;
  }

  #keep(inode: number, known: Known): void {
    this.#known.delete(inode);
    this.#known.set(inode, known);
    if (this.#known.size <= knownMax) return;
    for (const oldest of this.#known.keys()) {
      this.#known.delete(oldest);
      return;
    }
  }
}

/** @returns undefined when they cannot be known */
function namesOf(fd: number, name: string): readonly string[] | undefined {
  let names = name === "" ? listXattrsOfOpen(fd) : listXattrsAt(fd, name);
  if (names === -Errno.EBADF) names = listXattrs(fd); // O_PATH.
  if (names === -Errno.EOPNOTSUPP) return noNames;
  return typeof names === "number" ? undefined : names;
}

function listOf(fd: number, name: string): DataView | undefined {
  let list = name === "" ? readXattrOfOpen(fd, accessListName) : readXattrAt(fd, name, accessListName);
  if (list === -Errno.EBADF) list = readXattr(fd, accessListName); // O_PATH.
  return typeof list === "number" ? undefined : viewOf(list);
}

function viewOf(list: Uint8Array): DataView {
  return new DataView(list.buffer, list.byteOffset, list.length);
}
