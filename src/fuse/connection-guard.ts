import { spawn } from "node:child_process";
import { closeSync, constants, openSync } from "node:fs";
import { mount } from "../kernel/libc.js";

/** Where the kernel shows its FUSE connections (Documentation/filesystems/fuse.rst, "Control filesystem"); systemd mounts it. */
const controlFolder = "/sys/fs/fuse/connections";
const controlType = "fusectl";
const abortFd = 3;
/** The wait for `sleep` ends when a signal comes; the shell does not before it is told to. */
const script = `trap 'echo 1 >&${abortFd}; kill $!; exit' TERM; while :; do sleep 1000000 & wait $!; done`;

/**
 * Ends the connection to the kernel when the thread that calls this has died, however it died. Closing /dev/fuse would do that,
 * but a process that is killed may never come to it:
 *
 * 1. A thread tells the kernel to drop a page, and sleeps in that call until nobody has the page locked. 2. Somebody reads the
 * page, which is locked until this process has answered. 3. The process is killed, but that thread cannot be, and keeps
 * /dev/fuse open. So nobody ever answers, and no signal ends any program that uses the mount.
 *
 * A shell of its own, which the kernel signals at the death of its parent thread (prctl(2), PR_SET_PDEATHSIG). What it has open
 * is this connection's switch, which does nothing once the connection is gone, whoever has its number by then. Where there
 * is no such switch (not root, and nobody has mounted fusectl), or no setpriv, there is no guard.
 *
 * @param device the mount's, as in MountEntry
 * @returns what ends the guard, once the connection has been closed
 */
export function guardConnection(device: string): () => void {
  const abort = openAbort(device.slice(device.indexOf(":") + 1));
  if (abort === undefined) return () => undefined;
  const guard = spawn("setpriv", ["--pdeathsig", "TERM", "--", "sh", "-c", script], {
    detached: true, // A signal to the caller's group is not for it.
    cwd: "/",
    stdio: ["ignore", "ignore", "ignore", abort],
  });
  closeSync(abort);
  guard.on("error", () => undefined);
  guard.unref();
  return () => void guard.kill(); // As when it is signalled by the kernel, so that its `sleep` goes with it.
}

function openAbort(connection: string): number | undefined {
  const path = `${controlFolder}/${connection}/abort`;
  const open = () => openSync(path, constants.O_WRONLY);
  try {
    return open();
  } catch {
    if (mount(controlType, controlFolder, controlType, 0, "") !== 0) return undefined;
  }
  try {
    return open();
  } catch {
    return undefined;
  }
}
