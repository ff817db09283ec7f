import { resolve } from "node:path";
import { defineCommand } from "../command.js";

export const umount = defineCommand({
  summary: "unmount a volume, also one whose process has died",
  arguments: [{ name: "MOUNTPOINT", description: "where it is mounted" }],
  options: {
    lazy: { type: "boolean", short: "l", description: "take it from under whoever still uses it" },
    force: {
      type: "boolean",
      short: "f",
      description: "end every call on it: for a mount that hangs; unwritten stores are lost",
    },
  },
  notes: ["Comes back when the home has everything that was written (with --lazy and --force: at once)."],
  examples: ["dmmap umount /mnt/shared", "dmmap umount --lazy /mnt/shared"],
  async run([mountPoint], options) {
    const path = resolve(mountPoint);
    const [{ abortDevice, detachDevice, unmountDevice }, { unmountError }, { mountedAt }, { PresenceWatch }] =
      await Promise.all([
        import("../../fuse/device.js"),
        import("../../fuse/mount.js"),
        import("../../fuse/mount-table.js"),
        import("../../fuse/mount-presence.js"),
      ]);
    if (options.force) {
      const errno = abortDevice(path); // Nothing else may touch a mount that hangs.
      if (errno !== 0) throw unmountError(path, errno);
      return;
    }
    const entry = mountedAt(path);
    const server = entry === undefined || options.lazy ? undefined : await PresenceWatch.start(entry.device);
    const errno = options.lazy ? detachDevice(path) : await unmountDevice(path);
    if (errno !== 0) {
      server?.stop();
      throw unmountError(path, errno);
    }
    await server?.end();
  },
});
