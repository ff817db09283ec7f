import type { Ownership } from "../core/wire/attributes.js";
import { Errno } from "../kernel/errno.js";
import { type InodeFacts, statOf } from "../kernel/facts.js";
import { changeMode, changeOwner } from "../kernel/inode-attributes.js";

const setGroupId = 0o2000;
/** Set-user-id, set-group-id and sticky. */
const special = 0o7000;

/**
 * Gives something just made its owner and its mode in full: the home's umask is not its maker's. A home that is not
 * root owns all that is made; to say so by EPERM would leave its volume read-only to everybody else.
 *
 * @param most the permissions that it may have at most
 * @returns 0, or a negative errno
 */
export function own(fd: number, parent: InodeFacts, wanted: Ownership, most: number): number {
  const { uid, gid, mode, kind } = statOf(fd).attributes;
  const inherits = (parent.mode & setGroupId) !== 0;
  const wantedGid = inherits ? parent.gid : wanted.gid;
  const asked = wanted.mode & (special | most);
  const wantedMode = inherits && kind === "folder" ? asked | setGroupId : asked;
  let errno = 0;
  if (uid !== wanted.uid || gid !== wantedGid) errno = changeOwner(fd, wanted.uid, wantedGid);
  if (errno !== 0 && (process.geteuid?.() === 0 || errno !== -Errno.EPERM)) return errno;
  if (kind === "symlink") return 0; // Has no mode of its own.
  return mode === wantedMode ? 0 : changeMode(fd, wantedMode);
}
