import { realpathSync, statSync } from "node:fs";
import { stat, statfs } from "node:fs/promises";
import { dirname, isAbsolute } from "node:path";
import { DmmapError } from "../core/error.js";
import { detachDevice } from "../fuse/device.js";
import { PresenceWatch } from "../fuse/mount-presence.js";
import { type MountEntry, mountedAt, mountType } from "../fuse/mount-table.js";
import { isServed } from "../store/is-served.js";
import { servedFolders } from "../store/served-folders.js";

/**
 * There has to be a folder to mount on. A mount of dmmap whose process has died is no use to anybody, and is taken away; one that is
 * alive stays: a second one on top of it would be served, and unmounted, beside it.
 */
export async function clearMountPoint(mountPoint: string): Promise<void> {
  for (;;) {
    const entry = mountedAt(mountPoint);
    const isVolume = entry?.type === mountType;
    if (isVolume && (await isPresent(entry))) throw isMounted(mountPoint); // Asked itself, it may wait for its home.
    // The kernel may go by what it was told of the folder for a while after the process has died; but it asks for this.
    const alive = statfs(mountPoint).then(() => stat(mountPoint));
    const stats = await alive.catch((error: NodeJS.ErrnoException) => error);
    if (!(stats instanceof Error) && stats.isDirectory()) {
      if (isVolume) throw isMounted(mountPoint);
      return;
    }
    const isDead = stats instanceof Error && stats.code === "ENOTCONN" && isVolume;
    if (!isDead || detachDevice(mountPoint) !== 0)
      throw noFolder(mountPoint, stats instanceof Error ? stats : undefined);
  }
}

/**
 * No home can reach its own files through a mount that waits for it, nor be started again where the mount hides its folder. And
 * one that has a mount in its folder waits for that whenever it lists what is around it, and so for itself if it is its own:
 *
 * 1. The home is asked for a listing. It stats what is mounted there. 2. Nothing is known of that on a lease: the kernel asks the
 * mount's process. 3. That asks the home, which waits for the stat.
 *
 * @param store what the home serves, in its own words
 * @throws DMMAP_BAD_FOLDER for a folder that a home of this machine serves, one in it or one above it
 */
export function requireNoHome(mountPoint: string, store: string): void {
  const place = realpathSync(mountPoint);
  const around = foldersAbove(place).find(isServed);
  if (around !== undefined) throw around === place ? hidesHome(mountPoint, around) : isInHome(mountPoint, around);
  const { dev, ino } = statSync(mountPoint);
  // Not where it is memory, or a folder of another machine.
  const own = isAbsolute(store) && isServed(store) ? [store] : [];
  for (const served of [...own, ...servedFolders()]) {
    for (const folder of [...foldersAbove(served), ...foldersAbove(realpathSync(served))]) {
      const above = statSync(folder);
      if (above.dev === dev && above.ino === ino) throw hidesHome(mountPoint, served);
    }
  }
}

function foldersAbove(path: string): string[] {
  const above = dirname(path);
  return above === path ? [path] : [path, ...foldersAbove(above)];
}

async function isPresent({ device }: MountEntry): Promise<boolean> {
  const server = await PresenceWatch.start(device);
  server?.stop();
  return server !== undefined;
}

function isMounted(mountPoint: string): DmmapError {
  return new DmmapError("DMMAP_BUSY", `a volume is mounted on ${mountPoint} already`, {
    remedy: `dmmap umount ${mountPoint}`,
  });
}

function hidesHome(mountPoint: string, served: string): DmmapError {
  const message = `a home on this machine serves ${served}, which a mount on ${mountPoint} would hide from it`;
  return new DmmapError("DMMAP_BAD_FOLDER", message, { remedy: "mount it on another folder" });
}

function isInHome(mountPoint: string, served: string): DmmapError {
  const message = `a home on this machine serves ${served}, and would wait for a mount on ${mountPoint}, which is in it`;
  return new DmmapError("DMMAP_BAD_FOLDER", message, { remedy: "mount it on another folder" });
}

function noFolder(mountPoint: string, error: NodeJS.ErrnoException | undefined): DmmapError {
  if (error?.code === "ENOTCONN") {
    const message = `${mountPoint} is a mount whose process has died: take it away with "umount ${mountPoint}"`;
    return new DmmapError("DMMAP_BUSY", message, { remedy: `umount ${mountPoint}` });
  }
  const remedy =
    error?.code === "ENOENT" ? `mkdir -p ${mountPoint}` : "name a folder that is there and that you may read";
  const message = `${mountPoint} is no folder: a volume is mounted on one that exists`;
  return new DmmapError("DMMAP_BAD_FOLDER", message, { remedy });
}
