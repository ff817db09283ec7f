import { Errno } from "../kernel/errno.js";
import { statOf } from "../kernel/facts.js";
import { changeMode, reopen } from "../kernel/inode-attributes.js";

const ownerReadWrite = 0o600;

/**
 * As `reopen`; but the mode of a file that is the home's own does not stand in the way. Who may read and write it has
 * been judged where somebody opened it: the maker of a read-only file may write it by the descriptor it was made with,
 * and so must its home, which opens it later, or anew after a start.
 */
export function reopenOwn(fd: number, flags: number): number {
  const opened = reopen(fd, flags);
  if (opened !== -Errno.EACCES) return opened;
  const { uid, mode } = statOf(fd).attributes;
  if (uid !== process.geteuid?.() || (mode & ownerReadWrite) === ownerReadWrite) return opened;
  if (changeMode(fd, mode | ownerReadWrite) !== 0) return opened;
  const own = reopen(fd, flags);
  changeMode(fd, mode);
  return own;
}
