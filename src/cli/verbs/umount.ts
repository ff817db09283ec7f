import { resolve } from "node:path";
import { defineCommand } from "../command.js";

export const umount = defineCommand({
  summary: "unmount a volume, also one whose process has died",
  arguments: [{ name: "MOUNTPOINT", description: "where it is mounted" }],
  options: {
    lazy: { type: "boolean", short: "l", description: "take it from under whoever still uses it" },
  },
  examples: ["dmmap umount /mnt/shared", "dmmap umount --lazy /mnt/shared"],
  async run([mountPoint], options) {
    const path = resolve(mountPoint);
    const [{ detachDevice, unmountDevice }, { unmountError }] = await Promise.all([
      import("../../fuse/device.js"),
      import("../../fuse/mount.js"),
    ]);
    const errno = options.lazy ? detachDevice(path) : unmountDevice(path);
    if (errno !== 0) throw unmountError(path, errno);
  },
});
