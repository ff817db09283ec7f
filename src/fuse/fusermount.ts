import { spawnSync } from "node:child_process";
import { Errno } from "../kernel/errno.js";
import * as libc from "../kernel/libc.js";
import { receiveDescriptor, setNonBlocking, socketPair } from "../kernel/passed-descriptor.js";

/** Debian's package fuse3: the program with which those who are not root may mount, as far as /etc/fuse.conf lets them. */
const program = "fusermount3";
/** Where it finds the connection over which it passes /dev/fuse. */
const connectionVariable = "_FUSE_COMMFD";
const childFd = 3;

/** @returns /dev/fuse of the mount, not blocking; or why there is none. */
export function fuserMount(mountPoint: string, options: readonly string[]): number | string {
  const [near, far] = socketPair();
  try {
    const { error, stderr } = spawnSync(program, ["-o", options.map(escape).join(","), "--", mountPoint], {
      env: { ...process.env, LC_ALL: "C", [connectionVariable]: String(childFd) },
      stdio: ["ignore", "ignore", "pipe", far],
      encoding: "utf8",
    });
    libc.close(far);
    if (error !== undefined) return `${program} cannot be run: install the package fuse3`;
    const fd = receiveDescriptor(near);
    if (fd < 0) return stderr.trim();
    setNonBlocking(fd);
    return fd;
  } finally {
    libc.close(near);
  }
}

/** @returns 0, or an errno. */
export function fuserUnmount(mountPoint: string, lazy: boolean): number {
  const { error, status, stderr } = spawnSync(program, ["-u", ...(lazy ? ["-z"] : []), "--", mountPoint], {
    env: { ...process.env, LC_ALL: "C" },
    encoding: "utf8",
  });
  if (error !== undefined) return Errno.EPERM;
  if (status === 0) return 0;
  if (/busy/.test(stderr)) return Errno.EBUSY;
  return /not found in|not mounted/.test(stderr) ? Errno.EINVAL : Errno.EPERM;
}

/** A comma ends an option. */
function escape(option: string): string {
  return option.replace(/[\\,]/g, "\\$&");
}
