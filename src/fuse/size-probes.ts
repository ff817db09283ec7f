import { Worker } from "node:worker_threads";
import { Ready } from "../kernel/epoll.js";
import { createEventFd } from "../kernel/event-fd.js";
import type { Pager } from "../mapping/pager.js";
import { NoticeRing } from "./notice-ring.js";
import type { SizeProberSetup } from "./size-prober-main.js";

/**
 * Brings a file's size home to the kernel: a thread stats the inode on this very mount. Needs the right to open by handle, which
 * root has; without it the kernel is left to ask by itself.
 */
export class SizeProbes {
  readonly #ring = new NoticeRing();
  readonly #bell = createEventFd();
  readonly #worker: Worker;
  readonly #callbacks: ((seenBytes: number) => void)[] = [];

  constructor(pager: Pager, mountPoint: string) {
    const workerData: SizeProberSetup = { ring: this.#ring.parts, mountPoint, bell: this.#bell };
    this.#worker = new Worker(new URL("./size-prober-main.js", import.meta.url), { workerData, name: "dmmap sizes" });
    this.#worker.unref();
    pager.watch(this.#bell, Ready.in + Ready.edge, () => this.#onBell());
  }

  /** The Linux id of the thread that asks; 0 until it runs. */
  get thread(): number {
    return this.#ring.thread;
  }

  /**
   * Has the kernel ask for the size of an inode, after this many milliseconds. `node`: FUSE's number for it. `onDone` gets the
   * size that the kernel knows then; negative when it cannot be told.
   */
  probe(node: number, delayMillis: number, onDone: (seenBytes: number) => void): void {
    if (this.thread === 0 || !this.#ring.push({ node, offset: delayMillis, byteLength: 0 })) return onDone(-1);
    this.#callbacks.push(onDone);
  }

  /** The thread ends by itself, and is waited for: one that is ended while it still loads its system calls ends the process. */
  stop(): void {
    this.#worker.ref();
    this.#ring.stop();
  }

  #onBell(): void {
    this.#ring.takeDone((seenBytes) => this.#callbacks.shift()?.(seenBytes));
  }
}
