import { Worker } from "node:worker_threads";
import { Ready } from "../kernel/epoll.js";
import { createEventFd, drainEventFd } from "../kernel/event-fd.js";
import * as libc from "../kernel/libc.js";
import type { Pager } from "../mapping/pager.js";
import { type Notice, NoticeRing } from "./notice-ring.js";
import type { NotifierSetup } from "./notifier-main.js";

/** Has the kernel told what it is to drop, by a thread of its own, and calls back on the pager's thread when it has. */
export class Notifier {
  readonly #ring = new NoticeRing();
  readonly #bell = createEventFd();
  readonly #worker: Worker;
  readonly #callbacks: (() => void)[] = [];
  readonly #unsent: Notice[] = [];

  /** `fd`: /dev/fuse. Call this before the loop runs. */
  constructor(pager: Pager, fd: number) {
    const workerData: NotifierSetup = { memory: this.#ring.memory, fd, bell: this.#bell };
    this.#worker = new Worker(new URL("./notifier-main.js", import.meta.url), { workerData, name: "dmmap notifier" });
    this.#worker.unref();
    pager.watch(this.#bell, Ready.in, () => this.#onBell());
  }

  /** Drops pages of an inode from the kernel's cache, dirty ones written first. Bytes; `byteLength` 0 is to the end. */
  invalidate(node: number, offset: number, byteLength: number, onDone: () => void): void {
    this.#tell({ node, offset, byteLength }, onDone);
  }

  /** The kernel asks for the inode's attributes when it needs them next. */
  invalidateAttributes(node: number): void {
    this.invalidate(node, -1, 0, () => undefined);
  }

  stop(): void {
    this.#ring.stop();
  }

  /** When the thread has ended, which a call of the kernel may delay. */
  close(pager: Pager): void {
    pager.unwatch(this.#bell);
    libc.close(this.#bell);
  }

  #tell(notice: Notice, onDone: () => void): void {
    this.#callbacks.push(onDone);
    if (this.#unsent.length > 0 || !this.#ring.push(notice)) this.#unsent.push(notice);
  }

  #onBell(): void {
    drainEventFd(this.#bell);
    for (let count = this.#ring.takeDone(); count > 0; count--) this.#callbacks.shift()?.();
    while (this.#unsent.length > 0 && this.#ring.push(this.#unsent[0])) this.#unsent.shift();
  }
}
