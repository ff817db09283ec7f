import { resolve } from "node:path";
import { DmmapError } from "../core/error.js";
import { Errno, errnoName } from "../kernel/errno.js";
import { say } from "../kernel/standard-error.js";
import { PagerThread } from "../mapping/pager-thread.js";
import { type ConnectOptions, nodeSetup, reviveError } from "../node/connect.js";
import { within } from "../node/patience.js";
import { guardConnection } from "./connection-guard.js";
import { detachDevice, unmountDevice } from "./device.js";
import type { DirectIo } from "./direct-io.js";
import { MountPresence } from "./mount-presence.js";
import type { MountSetup } from "./mount-program.js";
import { mountedAt, mountType } from "./mount-table.js";

export interface MountOptions extends ConnectOptions {
  readonly readOnly?: boolean;
  /** Other users than the one who mounts may use it too, as far as permissions of files let them. Default: as root. */
  readonly allowOther?: boolean;
  /** Milliseconds after which a program's call fails with ETIMEDOUT instead of waiting for the home. Default: it waits. */
  readonly callTimeout?: number;
  /** Default `auto`. */
  readonly directIo?: DirectIo;
  /** Is told what the home serves, in its own words, before anything is mounted. What it throws keeps that from being done. */
  readonly checkStore?: (store: string) => void;
}

/** A mounted volume. Made by `mount`. */
export class Mount {
  readonly url: string;
  readonly mountPoint: string;
  /** Resolves when it has been unmounted by anybody, and the home has what was written; or has been taken away by `detach`. */
  readonly ended: Promise<void>;
  readonly #thread: PagerThread;
  readonly #presence: MountPresence | undefined;
  readonly #device: string | undefined;
  #isUnmounted = false;
  #isDetached = false;
  #onEnded: () => void = () => undefined;
  #endGuard: () => void = () => undefined;

  /** Use `mount`. */
  constructor(thread: PagerThread, url: string, mountPoint: string, unmounted: Promise<void>) {
    this.#thread = thread;
    this.url = url;
    this.mountPoint = mountPoint;
    const entry = mountedAt(mountPoint);
    this.#device = entry?.device;
    this.#presence = entry === undefined ? undefined : new MountPresence(entry.device);
    if (entry !== undefined) this.#endGuard = guardConnection(entry.device);
    this.ended = new Promise((resolve) => {
      this.#onEnded = resolve;
    });
    void unmounted.then(async () => await this.#end());
    // From this thread: the pager's has to serve what the kernel writes back meanwhile.
    process.prependOnceListener("exit", this.#onExit);
  }

  /**
   * Writes everything back and takes the mount away.
   *
   * @throws DMMAP_BUSY while programs have files of it open, and when it is unmounted and waits for the home
   */
  async unmount(): Promise<void> {
    if (this.#isUnmounted) {
      throw new DmmapError(
        "DMMAP_BUSY",
        `${this.mountPoint} is unmounted, and waits for the home to take what was written`,
      );
    }
    const errno = await unmountDevice(this.mountPoint);
    // EINVAL: somebody has taken it away already (`umount -l`), and its last users may not be done.
    if (errno !== 0 && errno !== Errno.EINVAL) throw unmountError(this.mountPoint, errno);
    await this.ended;
  }

  /**
   * Takes the mount away from under whoever uses it: what they have open fails from now on. Where there is nothing more to take away,
   * as after an earlier call, what the home has not taken is given up.
   */
  async detach(): Promise<void> {
    const isTaken = this.#isUnmounted || this.#isDetached;
    if (!isTaken) detachDevice(this.mountPoint);
    this.#isDetached = true;
    const closed = this.#close(false);
    if (isTaken) this.#thread.giveUp();
    await closed;
  }

  async #end(): Promise<void> {
    this.#isUnmounted = true;
    this.#presence?.onUnmounted();
    if (this.#device !== undefined && mountedAt(this.mountPoint)?.device === this.#device) {
      const loss = "programs get ENOTCONN, and what they have stored to maps and the kernel has not written is lost";
      say(`the kernel has ended the connection to ${this.mountPoint}, as for umount -f: ${loss}`);
    }
    // Nobody uses it any more: there is time until the home is there, however long that takes.
    await this.#close(await this.#drain());
  }

  /** @returns whether the home has all that was written */
  async #drain(): Promise<boolean> {
    try {
      return (await this.#thread.call("drain")) === true;
    } catch {
      return false; // It is closed, or has been meanwhile, by `detach`.
    }
  }

  async #close(hasAll: boolean): Promise<void> {
    process.off("exit", this.#onExit);
    await this.#thread.close();
    this.#endGuard();
    this.#presence?.end(hasAll);
    this.#onEnded();
  }

  readonly #onExit = (): void => {
    if (!this.#isUnmounted) detachDevice(this.mountPoint);
  };
}

/**
 * Mounts a home's volume on a folder, for programs that know nothing of dmmap. This process serves it.
 *
 * @throws as `connect`, and DMMAP_UNSUPPORTED where it cannot be mounted
 */
export async function mount(url: string, mountPoint: string, options: MountOptions = {}): Promise<Mount> {
  const data: MountSetup = {
    ...(await nodeSetup(url, options)),
    mountPoint: resolve(mountPoint),
    source: url,
    readOnly: options.readOnly ?? false,
    allowOther: options.allowOther ?? process.getuid?.() === 0,
    directIo: options.directIo ?? "auto",
    timeoutMicros: (options.callTimeout ?? Number.POSITIVE_INFINITY) * 1000,
  };
  const before = mountedAt(data.mountPoint)?.device;
  let onUnmounted = () => {};
  const unmounted = new Promise<void>((done) => {
    onUnmounted = done;
  });
  const thread = await PagerThread.start(new URL("./mount-main.js", import.meta.url), {
    data,
    name: "dmmap mount",
    reviveError,
    onEvent: (event) => {
      if (event === "unmounted") onUnmounted();
    },
  });
  // Once the thread has ended: for whoever gives up, it may have mounted it, or be about to, and not have said so.
  const takeAway = () => {
    const entry = mountedAt(data.mountPoint);
    if (entry?.type === mountType && entry.device !== before) detachDevice(entry.path);
  };
  process.once("exit", takeAway); // The thread is stopped by a listener that was there before.
  try {
    const store = (await within(`connecting to ${url}`, options, thread.call("connect"))) as string;
    options.checkStore?.(store);
    await within(`mounting ${url}`, options, thread.call("mount"));
    return new Mount(thread, url, data.mountPoint, unmounted);
  } catch (error) {
    await thread.close();
    takeAway();
    throw error;
  } finally {
    process.off("exit", takeAway);
  }
}

/** How to see what is mounted. */
export const listMounts = "see what is mounted: findmnt -t fuse.dmmap";

/** Why a mount could not be taken away, or, `isForced`, its calls not be ended. */
export function unmountError(mountPoint: string, errno: number, isForced = false): DmmapError {
  if (errno === Errno.EBUSY) {
    const message = `${mountPoint} is in use: some program has a file or its working folder there`;
    const remedy = `fuser -vm ${mountPoint} names it; dmmap umount --lazy ${mountPoint} does not wait for it`;
    return new DmmapError("DMMAP_BUSY", message, { remedy });
  }
  const reason = errno === Errno.EINVAL ? "nothing is mounted there" : errnoName(errno);
  const may = isForced
    ? `sudo dmmap umount --force ${mountPoint}: only root may`
    : "unmount it as root, or as who has mounted it";
  const remedy = errno === Errno.EPERM ? may : listMounts;
  return new DmmapError("DMMAP_BAD_FOLDER", `${mountPoint} cannot be unmounted: ${reason}`, { remedy });
}
