import { resolve } from "node:path";
import { DmmapError } from "../../core/error.js";
import type { PresenceWatch } from "../../fuse/mount-presence.js";
import { say } from "../../kernel/standard-error.js";
import { defineCommand } from "../command.js";

const tellMillis = 1000;

export const umount = defineCommand({
  summary: "unmount a volume, also one whose process has died",
  arguments: [{ name: "MOUNTPOINT", description: "where it is mounted" }],
  options: {
    lazy: { type: "boolean", short: "l", description: "take it from under whoever still uses it" },
    force: {
      type: "boolean",
      short: "f",
      description: "end every call on it, as root: for a mount that hangs; unwritten stores are lost",
    },
  },
  notes: [
    "Comes back when the home has everything that was written (with --lazy and --force: at once).",
    "Unmounts volumes of dmmap, and nothing else.",
  ],
  examples: ["dmmap umount /mnt/shared", "dmmap umount --lazy /mnt/shared"],
  async run([mountPoint], options) {
    const [
      { abortDevice, detachDevice, unmountDevice },
      { listMounts, unmountError },
      { mountedAt, mountType },
      presence,
    ] = await Promise.all([
      import("../../fuse/device.js"),
      import("../../fuse/mount.js"),
      import("../../fuse/mount-table.js"),
      import("../../fuse/mount-presence.js"),
    ]);
    const entry = mountedAt(mountPoint);
    if (entry?.type !== mountType) throw noVolume(resolve(mountPoint), entry?.type, listMounts);
    const { path, device } = entry;
    const isAwaited = !options.force && !options.lazy;
    const server = isAwaited ? await presence.PresenceWatch.start(device) : undefined;
    const errno = options.force ? abortDevice(path) : options.lazy ? detachDevice(path) : await unmountDevice(path);
    if (errno !== 0) {
      server?.stop();
      throw unmountError(path, errno, options.force);
    }
    if (server !== undefined) await untilTaken(path, server);
  },
});

/** Who waits for long is told for what. */
async function untilTaken(path: string, server: PresenceWatch): Promise<void> {
  const waits =
    "its process waits for the home to take what was written, and goes on with that if you do not wait (Ctrl-C)";
  const tell = setTimeout(() => say(`${path} is unmounted; ${waits}`), tellMillis);
  const hasAll = await server.end();
  clearTimeout(tell);
  if (!hasAll) throw notAll(path);
}

function notAll(path: string): DmmapError {
  const message = `${path} is unmounted, but its process has ended before the home had everything that was written`;
  const remedy = "see the log of the mount (syslog, or --log FILE) for what is lost, and write it again";
  return new DmmapError("DMMAP_LOST", message, { remedy });
}

/** Other filesystems are for umount(8): whoever mistypes a path here loses none of them. */
function noVolume(path: string, type: string | undefined, listMounts: string): DmmapError {
  const other = type === undefined ? "" : `, but a filesystem of type ${type}`;
  const remedy = type === undefined ? listMounts : `umount ${path}`;
  return new DmmapError("DMMAP_BAD_FOLDER", `${path}: no volume of dmmap is mounted there${other}`, { remedy });
}
