import { DmmapError } from "../core/error.js";
import { Errno, errnoName } from "../kernel/errno.js";
import { OpenFlag } from "../kernel/folder.js";
import * as libc from "../kernel/libc.js";

const noSuid = 2;
const noDevices = 4;
const readOnlyFlag = 1;
const detach = 2;

export interface DeviceOptions {
  /** What `mount` and /proc/mounts show as the source. */
  readonly source: string;
  readonly readOnly: boolean;
  readonly allowOther: boolean;
}

/**
 * Mounts a FUSE file system with mount(2), for which this process must be root.
 *
 * @returns /dev/fuse, not blocking
 * @throws DMMAP_UNSUPPORTED
 */
export function mountDevice(mountPoint: string, { source, readOnly, allowOther }: DeviceOptions): number {
  const fd = libc.open("/dev/fuse", OpenFlag.readWrite | OpenFlag.closeOnExec | OpenFlag.nonBlocking, 0);
  if (fd < 0) throw unsupported(`/dev/fuse cannot be opened: ${errnoName(libc.errno())}. Is the module "fuse" loaded?`);
  const options = [
    `fd=${fd}`,
    "rootmode=40000",
    `user_id=${process.getuid?.() ?? 0}`,
    `group_id=${process.getgid?.() ?? 0}`,
    "default_permissions",
    `max_read=${1024 * 1024}`,
    ...(allowOther ? ["allow_other"] : []),
  ];
  const flags = noSuid | noDevices | (readOnly ? readOnlyFlag : 0);
  if (libc.mount(source, mountPoint, "fuse.dmmap", flags, options.join(",")) === 0) return fd;
  const errno = libc.errno();
  libc.close(fd);
  const remedy = errno === Errno.EPERM ? "run it as root, or install fusermount3 (package fuse3)" : errnoName(errno);
  throw unsupported(`${mountPoint} cannot be mounted: ${remedy}`);
}

/** Takes a mount away that nobody uses. What is dirty in the kernel is written first. @returns 0, or an errno. */
export function unmountDevice(mountPoint: string): number {
  return libc.umount2(mountPoint, 0) === 0 ? 0 : libc.errno();
}

/** Takes a mount away from under whoever uses it, dead or alive. @returns 0, or an errno. */
export function detachDevice(mountPoint: string): number {
  return libc.umount2(mountPoint, detach) === 0 ? 0 : libc.errno();
}

function unsupported(message: string): DmmapError {
  return new DmmapError("DMMAP_UNSUPPORTED", message);
}
