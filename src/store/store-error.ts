import { DmmapError, type ErrorCode } from "../core/error.js";
import { Errno, errnoName } from "../kernel/errno.js";

const codes = new Map<number, ErrorCode>([
  [Errno.ENOSPC, "DMMAP_NO_SPACE"],
  [Errno.EDQUOT, "DMMAP_NO_SPACE"],
  [Errno.EFBIG, "DMMAP_BAD_RANGE"],
  [Errno.ENOENT, "DMMAP_NOT_FOUND"],
  [Errno.EEXIST, "DMMAP_EXISTS"],
  [Errno.EXDEV, "DMMAP_BAD_NAME"],
  [Errno.ELOOP, "DMMAP_BAD_NAME"],
  [Errno.ENOTDIR, "DMMAP_BAD_NAME"],
  [Errno.EISDIR, "DMMAP_BAD_NAME"],
  [Errno.ENAMETOOLONG, "DMMAP_BAD_NAME"],
  [Errno.EINVAL, "DMMAP_BAD_NAME"],
  [Errno.ENOTEMPTY, "DMMAP_EXISTS"],
  [Errno.ENODATA, "DMMAP_NOT_FOUND"],
  [Errno.ESTALE, "DMMAP_STALE"],
  [Errno.EACCES, "DMMAP_DENIED"],
  [Errno.EPERM, "DMMAP_DENIED"],
  [Errno.EROFS, "DMMAP_DENIED"],
  [Errno.EOPNOTSUPP, "DMMAP_UNSUPPORTED"],
  [Errno.EMFILE, "DMMAP_BUSY"],
  [Errno.ENFILE, "DMMAP_BUSY"],
]);

const remedies = new Map<number, string>([
  [Errno.ENOSPC, "the home's disk is full; make room there"],
  [Errno.EDQUOT, "the home's disk quota is used up"],
  [Errno.EFBIG, "the home's filesystem cannot hold a file of that size"],
  [Errno.ENOENT, "there is no such file"],
  [Errno.EEXIST, "the file exists"],
  [Errno.EXDEV, "the name leads out of the served folder"],
  [Errno.ELOOP, "the name leads through a circle of symbolic links"],
  [Errno.ENOTDIR, "a part of the name is a file, not a folder"],
  [Errno.EISDIR, "it is a folder, not a file"],
  [Errno.ENOTEMPTY, "the folder is not empty"],
  [Errno.ENODATA, "there is no such attribute"],
  [Errno.ESTALE, "it is not in the served folder any more"],
  [Errno.EACCES, "the home may not do that"],
  [Errno.EPERM, "the home may not do that"],
  [Errno.EROFS, "the home's filesystem is read-only"],
  [Errno.EOPNOTSUPP, "the home's filesystem cannot do that"],
  [Errno.EMFILE, "the home is out of file descriptors; raise its limit (ulimit -n)"],
  [Errno.ENFILE, "the home's machine is out of file descriptors"],
]);

/** What an errno of the store's means to a caller, who is perhaps on another machine: in words, with the subject first. */
export function storeError(subject: string, errno: number): DmmapError {
  const name = errnoName(errno);
  const remedy = remedies.get(errno);
  return new DmmapError(
    codes.get(errno) ?? "DMMAP_IO",
    remedy === undefined ? `${subject}: the home's disk answered ${name}` : `${subject}: ${remedy} (${name})`,
    { errno },
  );
}

/** Throws unless it is a regular file: what else has a name is none of the library's. */
export function checkRegularKind(name: string, kind: string): void {
  if (kind === "folder") throw storeError(name, Errno.EISDIR);
  if (kind !== "file")
    throw new DmmapError("DMMAP_BAD_NAME", `${name}: it is not a regular file`, { errno: Errno.EINVAL });
}

/** For errors that already crossed a thread or came from Node's own file functions. */
export function storeErrorOf(subject: string, error: unknown): DmmapError {
  if (error instanceof DmmapError) return error;
  const errno = errnoIn(error);
  if (errno !== undefined) return storeError(subject, errno);
  return new DmmapError("DMMAP_INTERNAL", `${subject}: ${String(error)}`, { cause: error });
}

/** Node gives errno negative, our own SystemError positive. */
function errnoIn(error: unknown): number | undefined {
  const errno = (error as { errno?: unknown } | null)?.errno;
  return typeof errno === "number" ? Math.abs(errno) : undefined;
}
