/** Extended attributes in which Linux keeps POSIX access lists: a thing's own, and a folder's for what is made in it. */
export const accessListName = "system.posix_acl_access";
export const defaultListName = "system.posix_acl_default";

/** Kinds of entries, as the attribute has them. */
const Tag = { owner: 0x01, namedUser: 0x02, owningGroup: 0x04, namedGroup: 0x08, mask: 0x10, others: 0x20 } as const;
const headerBytes = 4;
const entryBytes = 8;
const all = 0o7;
const groupAndOthers = 0o077;

/**
 * The permissions that a folder's default list leaves to what is made in it, of those that its maker asks for: as
 * posix_acl_create_masq in Linux has it.
 */
export function mostBy(list: DataView): number {
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

/**
 * No mount judges by access lists: kernels know the mode alone. Its group bits are the list's mask there, which is no group's right
 * but the most that the list gives to anybody it names. So of such a thing a mode is told that gives nobody more than the list does,
 * and some less:
 *
 * - To the group what the list gives to it, as far as each user that the list names has the same: they may be of the group.
 * - To others what the mode gives to them, as far as each user and each group that the list names has the same.
 */
export function narrowed(mode: number, list: DataView): number {
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
