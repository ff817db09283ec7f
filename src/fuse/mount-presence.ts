import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

/**
 * Says that a process still has to do with a mount: the kernel's list tells only what is mounted, and after an unmount the
 * home may still have to take what was written. A Unix address in the abstract namespace, which is gone with the process.
 */
export class MountPresence {
  readonly #server: Server;
  readonly #watchers = new Set<Socket>();

  /** `device`: the mount's, as in MountEntry. */
  constructor(device: string) {
    this.#server = createServer((watcher) => {
      this.#watchers.add(watcher);
      watcher.on("error", () => undefined).once("close", () => this.#watchers.delete(watcher));
    });
    this.#server.on("error", () => undefined); // Then nobody can wait for the end of this mount, and that is all.
    this.#server.listen(addressOf(device)).unref();
  }

  end(): void {
    this.#server.close();
    for (const watcher of this.#watchers) watcher.destroy();
  }
}

/** Watches the process that serves a mount. */
export class PresenceWatch {
  readonly #socket: Socket;
  readonly #ended: Promise<unknown>;

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
  }

  /** Until that process has done with the mount, or has died. */
  async end(): Promise<void> {
    await this.#ended;
  }

  stop(): void {
    this.#socket.destroy();
  }
}

function addressOf(device: string): string {
  return `\0dmmap mount ${device}`;
}
