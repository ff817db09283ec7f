import { Errno } from "../kernel/errno.js";
import type { InodeFacts, SystemTime } from "../kernel/facts.js";
import { readXattr, readXattrAt, readXattrOfOpen } from "../kernel/inode-attributes.js";
import { isOver, isSame } from "./stamps.js";

const listName = "system.posix_acl_access";
const defaultName = "system.posix_acl_default";
/** Kinds of entries of a POSIX ACL, as the xattr has them. */
const Tag = { owner: 0x01, namedUser: 0x02, owningGroup: 0x04, namedGroup: 0x08, mask: 0x10, others: 0x20 } as const;
const headerBytes = 4;
const entryBytes = 8;
const all = 0o7;
const groupAndOthers = 0o077;
const knownMax = 100_000;

interface Known {
  readonly ctime: SystemTime;
  readonly mode: number;
}

/**
 * POSIX access lists that things on the disk have. No mount judges by them: kernels know the mode alone. Its group bits are the
 * list's mask there, which is no group's right but the most that the list gives to anybody it names. So of such a thing a mode is
 * told that gives nobody more than the list does, and some less:
 *
 * - To the group what the list gives to it, as far as each user that the list names has the same: they may be of the group.
 * - To others what the mode gives to them, as far as each user and each group that the list names has the same.
 *
 * What was found is kept by the ctime, which each change of a list or a mode sets: to ask for a list takes as long as stat.
 */
export class AccessLists {
  /** By inode, the oldest first. */
  readonly #known = new Map<number, Known>();
  /** Whether the filesystem has no such lists. */
  #areNone = false;

  /** What is to be told of what is open as `fd`, by O_PATH perhaps, or has this name in that folder. */
  judged(facts: InodeFacts, fd: number, name = ""): InodeFacts {
    // What gives nothing to anybody else gives nothing by a list either: its mask is 0.
    if (this.#areNone || facts.kind === "symlink" || (facts.mode & groupAndOthers) === 0) return facts;
    const known = this.#known.get(facts.inode);
    const isKnown = known !== undefined && isSame(known.ctime, facts.ctime);
    const mode = isKnown ? known.mode : this.#find(facts, fd, name);
    return mode === facts.mode ? facts : { ...facts, mode };
  }

  /**
   * The permissions that a folder's default list leaves to what is made in it, of those that its maker asks for: as
   * posix_acl_create_masq in Linux has it. Undefined where there is no such list.
   */
  mostIn(folderFd: number): number | undefined {
    if (this.#areNone) return undefined;
    const list = this.#sound(readXattr(folderFd, defaultName));
    return list && mostBy(list);
  }

  #find({ inode, mode, ctime }: InodeFacts, fd: number, name: string): number {
    const isSure = isOver(ctime);
    const list = this.#read(fd, name);
    const found = list === undefined ? mode : narrowed(mode, list);
    if (isSure) this.#keep(inode, { ctime, mode: found });
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

  #read(fd: number, name: string): DataView | undefined {
    let list = name === "" ? readXattrOfOpen(fd, listName) : readXattrAt(fd, name, listName);
    if (list === -Errno.EBADF) list = readXattr(fd, listName); // O_PATH.
    return this.#sound(list);
  }

  #sound(list: Uint8Array | number): DataView | undefined {
    if (list === -Errno.EOPNOTSUPP) this.#areNone = true;
    return typeof list === "number" ? undefined : new DataView(list.buffer, list.byteOffset, list.length);
  }
}

function mostBy(list: DataView): number {
  const rights = new Map(Array.from(entriesOf(list), (entry) => [entry.tag, entry.rights]));
  const right = (tag: number) => rights.get(tag) ?? all;
  const group = rights.get(Tag.mask) ?? right(Tag.owningGroup);
  return right(Tag.owner) * 0o100 + group * 0o10 + right(Tag.others);
}

function* entriesOf(list: DataView): Iterable<{ readonly tag: number; readonly rights: number }> {
  for (let at = headerBytes; at + entryBytes <= list.byteLength; at += entryBytes) {
    yield { tag: list.getUint16(at, true), rights: list.getUint16(at + 2, true) };
  }
}

function narrowed(mode: number, list: DataView): number {
  let [group, mask, users, groups] = [all, all, all, all];
  let isAnybodyNamed = false;
  for (const { tag, rights } of entriesOf(list)) {
    if (tag === Tag.owningGroup) group = rights;
    else if (tag === Tag.mask) mask = rights;
    else if (tag === Tag.namedUser) users &= rights;
    else if (tag === Tag.namedGroup) groups &= rights;
    isAnybodyNamed ||= tag === Tag.namedUser || tag === Tag.namedGroup;
  }
  const others = isAnybodyNamed ? mode & users & groups & mask : mode & all;
  return (mode & ~groupAndOthers) | ((group & mask & users) * 8) | others;
}
