import { stat } from "node:fs/promises";
import { DmmapError } from "../../core/error.js";
import type { Mount } from "../../fuse/mount.js";
import { parseByteSize } from "../byte-size.js";
import { defineCommand } from "../command.js";
import { parseSeconds } from "../duration.js";

export const mount = defineCommand({
  summary: "mount a home's volume, for any program",
  arguments: [
    { name: "URL", description: "dmmap://HOST:PORT of the home" },
    { name: "MOUNTPOINT", description: "a folder; what is in it is hidden while the volume is mounted" },
  ],
  options: {
    "read-only": { type: "boolean", short: "r", description: "nothing can be changed through this mount" },
    "allow-other": { type: "boolean", description: "let other users use it too (always so for root)" },
    timeout: {
      type: "string",
      value: "SECONDS",
      description: "fail calls with ETIMEDOUT that wait longer for the home (default: they wait)",
    },
    cache: { type: "string", value: "BYTES", description: "memory for cached pages (default 1G)" },
    name: { type: "string", value: "NAME", description: "what the home calls this node (default: host and process)" },
    json: { type: "boolean", description: "say when it is mounted as one line {url, mountPoint, pid}" },
  },
  notes: [
    "Serves the mount until it is unmounted, by `dmmap umount`, umount(8), or SIGINT or SIGTERM to this",
    "process, which write everything back first. A second signal takes it from under whoever uses it.",
  ],
  examples: ["dmmap mount dmmap://10.0.0.5:7400 /mnt/shared", "dmmap mount dmmap://localhost:7400 /mnt/a --read-only"],
  async run([url, mountPoint], options) {
    await checkFolder(mountPoint);
    const { mount: mountVolume } = await import("../../fuse/mount.js");
    const mounted = await mountVolume(url, mountPoint, {
      readOnly: options["read-only"],
      ...(options["allow-other"] ? { allowOther: true } : {}),
      ...(options.timeout === undefined ? {} : { callTimeout: parseSeconds(options.timeout, "--timeout") }),
      ...(options.cache === undefined ? {} : { cacheBytes: parseByteSize(options.cache) }),
      ...(options.name === undefined ? {} : { name: options.name }),
    });
    if (options.json) console.log(JSON.stringify({ url, mountPoint: mounted.mountPoint, pid: process.pid }));
    else console.log(`${url} is mounted on ${mounted.mountPoint}; Ctrl-C unmounts it`);
    unmountOnSignals(mounted);
    const alive = setInterval(() => undefined, 2 ** 30); // The pager's thread alone keeps no process alive.
    await mounted.ended;
    clearInterval(alive);
  },
});

async function checkFolder(mountPoint: string): Promise<void> {
  const stats = await stat(mountPoint).catch((error: NodeJS.ErrnoException) => error);
  if (stats instanceof Error && stats.code === "ENOTCONN") {
    const message = `${mountPoint} is a mount whose process has died: take it away with "dmmap umount ${mountPoint}"`;
    throw new DmmapError("DMMAP_BUSY", message);
  }
  if (stats instanceof Error || !stats.isDirectory()) {
    throw new DmmapError("DMMAP_BAD_FOLDER", `${mountPoint} is no folder: a volume is mounted on one that exists`);
  }
}

function unmountOnSignals(mounted: Mount): void {
  let count = 0;
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      count++;
      if (count > 1) void mounted.detach();
      else
        mounted.unmount().catch((error: Error) => console.error(`dmmap: ${error.message}; once more to take it away`));
    });
  }
}
