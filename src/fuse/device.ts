import { setTimeout as delay } from "node:timers/promises";
import { DmmapError } from "../core/error.js";
import { Errno, errnoName } from "../kernel/errno.js";
import { OpenFlag } from "../kernel/folder.js";
import * as libc from "../kernel/libc.js";
import { fuserMount, fuserUnmount } from "./fusermount.js";
import { mountType } from "./mount-table.js";

const noSuid = 2;
const noDevices = 4;
const readOnlyFlag = 1;
const force = 1;
const detach = 2;
const unmountTriesMax = 20;
const unmountPauseMillis = 10;

const deviceRemedy = "sudo modprobe fuse; in a container: --device /dev/fuse";
const containerRemedy = "start the container with --cap-add SYS_ADMIN --security-opt apparmor=unconfined";
/** By what fusermount3 says. */
const userRemedies: readonly (readonly [RegExp, string])[] = [
  [/user_allow_other/, "add the line user_allow_other to /etc/fuse.conf, leave out --allow-other, or mount as root"],
  [/no write access to mountpoint/, "mount on a folder that this user may write to, or mount as root"],
  [/could not determine username/, "give this user a line in /etc/passwd, or mount as root"],
];

export interface DeviceOptions {
  /** What `mount` and /proc/mounts show as the source. */
  readonly source: string;
  readonly readOnly: boolean;
  readonly allowOther: boolean;
}

/**
 * Mounts a FUSE file system: with mount(2), for which this process must be root, else with fusermount3.
 *
 * @returns /dev/fuse, not blocking
 * @throws DMMAP_UNSUPPORTED
 */
export function mountDevice(mountPoint: string, options: DeviceOptions): number {
  const common = ["default_permissions", `max_read=${1024 * 1024}`, ...(options.allowOther ? ["allow_other"] : [])];
  return process.geteuid?.() === 0
    ? mountAsRoot(mountPoint, options, common)
    : mountAsUser(mountPoint, options, common);
}

function mountAsRoot(mountPoint: string, { source, readOnly }: DeviceOptions, common: readonly string[]): number {
  const fd = libc.open("/dev/fuse", OpenFlag.readWrite | OpenFlag.closeOnExec | OpenFlag.nonBlocking, 0);
  if (fd < 0) throw unsupported(`/dev/fuse cannot be opened: ${errnoName(libc.errno())}`, deviceRemedy);
  const options = [`fd=${fd}`, "rootmode=40000", "user_id=0", `group_id=${process.getgid?.() ?? 0}`, ...common];
  const flags = noSuid | noDevices | (readOnly ? readOnlyFlag : 0);
  if (libc.mount(source, mountPoint, mountType, flags, options.join(",")) === 0) return fd;
  const errno = libc.errno();
  libc.close(fd);
  const isForbidden = errno === Errno.EPERM || errno === Errno.EACCES;
  const reason = isForbidden ? `this root may not mount (${errnoName(errno)})` : errnoName(errno);
  throw unsupported(`${mountPoint} cannot be mounted: ${reason}`, isForbidden ? containerRemedy : undefined);
}

function mountAsUser(mountPoint: string, { source, readOnly }: DeviceOptions, common: readonly string[]): number {
  const names = [`fsname=${source}`, `subtype=${mountType.slice(mountType.indexOf(".") + 1)}`];
  const result = fuserMount(mountPoint, [...names, ...common, ...(readOnly ? ["ro"] : [])]);
  if (typeof result === "number") return result;
  const remedy = userRemedies.find(([reason]) => reason.test(result))?.[1];
  throw unsupported(`${mountPoint} cannot be mounted: ${result}`, remedy);
}

/**
 * Takes a mount away that nobody uses. What is dirty in the kernel is written first. Its own process has a file of it open for
 * moments at a time, to bring sizes home: so who finds it busy tries again for a while.
 *
 * @returns 0, or an errno
 */
export async function unmountDevice(mountPoint: string): Promise<number> {
  for (let tries = 1; ; tries++) {
    const errno = tryUnmount(mountPoint);
    if (errno !== Errno.EBUSY || tries === unmountTriesMax) return errno;
    await delay(unmountPauseMillis);
  }
}

function tryUnmount(mountPoint: string): number {
  if (libc.umount2(mountPoint, 0) === 0) return 0;
  return libc.errno() === Errno.EPERM ? fuserUnmount(mountPoint, false) : libc.errno();
}

/** Takes a mount away from under whoever uses it, dead or alive. @returns 0, or an errno. */
export function detachDevice(mountPoint: string): number {
  if (libc.umount2(mountPoint, detach) === 0) return 0;
  return libc.errno() === Errno.EPERM ? fuserUnmount(mountPoint, true) : libc.errno();
}

/**
 * Ends every call on a mount with ECONNABORTED, and takes it away. What its kernel has not written yet is lost. This is the one way
 * out where the process that served the mount was killed while its kernel waited for a page:
 *
 * 1. A thread of the process has the kernel drop a page, which a program's READ keeps locked; it cannot be interrupted. 2. The
 * process is killed; but it does not end while that thread waits. 3. So the kernel does not see that nobody will answer the READ.
 *
 * @returns 0, or an errno: EPERM unless this is root.
 */
export function abortDevice(mountPoint: string): number {
  return libc.umount2(mountPoint, force | detach) === 0 ? 0 : libc.errno();
}

/** @param remedy without it: what `dmmap doctor` finds */
function unsupported(message: string, remedy?: string): DmmapError {
  return new DmmapError("DMMAP_UNSUPPORTED", message, { remedy });
}
