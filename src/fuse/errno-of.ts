import { DmmapError, type ErrorCode } from "../core/error.js";
import { Errno } from "../kernel/errno.js";

const numbers: Partial<Record<ErrorCode, number>> = {
  DMMAP_ABORTED: Errno.EINTR,
  DMMAP_BAD_NAME: Errno.EINVAL,
  DMMAP_BAD_RANGE: Errno.EFBIG,
  DMMAP_BUSY: Errno.EBUSY,
  DMMAP_CLOSED: Errno.ENOTCONN,
  DMMAP_EXISTS: Errno.EEXIST,
  DMMAP_NOT_FOUND: Errno.ENOENT,
  DMMAP_NO_SPACE: Errno.ENOSPC,
  DMMAP_STALE: Errno.ESTALE,
  DMMAP_TIMEOUT: Errno.ETIMEDOUT,
  DMMAP_UNSUPPORTED: Errno.EOPNOTSUPP,
};

/** What the kernel is told for an error of ours. */
export function errnoOf(error: unknown): number {
  if (!(error instanceof DmmapError)) return Errno.EIO;
  return error.errno ?? numbers[error.code] ?? Errno.EIO;
}
