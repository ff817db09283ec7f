import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

const retryMillis = 10;
/** The last words to who watches; a process that dies, or has given something up, says none. */
const allTaken = "all taken";

/**
 * Says that a process still has to do with a mount: the kernel's list tells only what is mounted, and after an unmount the
 * home may still have to take what was written. A Unix address in the abstract namespace, which is gone with the process.
 *
 * The number of the device is free for another mount as soon as this one is unmounted, however long it then waits for its home.
 */
export class MountPresence {
  readonly #server: Server;
  readonly #watchers = new Set<Socket>();
  #isUnmounted = false;

  /** `device`: the mount's, as in MountEntry. */
  constructor(device: string) {
    this.#server = createServer((watcher) => {
      this.#watchers.add(watcher);
      watcher.on("error", () => undefined).once("close", () => this.#watchers.delete(watcher));
    });
    // The former mount with this number may not know yet that it is unmounted.
    const listen = () => this.#server.listen(addressOf(device)).unref();
    this.#server.on("error", ({ code }: NodeJS.ErrnoException) => {
      // After any other error nobody can wait for the end of this mount, and that is all.
      if (code === "EADDRINUSE" && !this.#isUnmounted) setTimeout(listen, retryMillis).unref();
    });
    listen();
  }

  /** Who watches now is told of the end, still; nobody comes to do so any more. */
  onUnmounted(): void {
    this.#isUnmounted = true;
    this.#server.close();
  }

  /** `hasAll`: whether the home has everything that was written. */
  end(hasAll: boolean): void {
    this.onUnmounted();
    for (const watcher of this.#watchers) {
      if (hasAll) watcher.end(allTaken, () => watcher.destroy());
      else watcher.destroy();
    }
  }
}

/** Watches the process that serves a mount. */
export class PresenceWatch {
  readonly #socket: Socket;
  readonly #ended: Promise<unknown>;
  #said = "";

  /** @returns undefined when there is none on this machine (or in this container). */
  static async start(device: string): Promise<PresenceWatch | undefined> {
    const socket = connect(addressOf(device));
    const ended = once(socket, "close");
    ended.catch(() => undefined);
    try {
      await once(socket, "connect");
      return new PresenceWatch(socket, ended);
    } catch {
      return undefined;
    }
  }

  private constructor(socket: Socket, ended: Promise<unknown>) {
    this.#socket = socket;
    this.#ended = ended;
    socket.setEncoding("utf8").on("data", (text: string) => {
      this.#said += text;
    });
  }

  /** Until that process has done with the mount, or has died. @returns whether the home has everything that was written */
  async end(): Promise<boolean> {
    await this.#ended;
    return this.#said === allTaken;
  }

  stop(): void {
    this.#socket.destroy();
  }
}

function addressOf(device: string): string {
  return `\0dmmap mount ${device}`;
}
