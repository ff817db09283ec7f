import { Worker } from "node:worker_threads";
import { Ready } from "../kernel/epoll.js";
import { createEventFd } from "../kernel/event-fd.js";
import { close } from "../kernel/libc.js";
import type { Pager } from "../mapping/pager.js";
import { NoticeRing, type NoticeRingParts } from "./notice-ring.js";

/** What every such thread is started with. */
export interface RingThreadSetup {
  readonly ring: NoticeRingParts;
  /** An eventfd, for the thread to ring after every notice. */
  readonly bell: number;
}

/** A thread beside the pager's, for system calls that may sleep until the pager's thread has served a request. */
export class RingThread {
  readonly ring = new NoticeRing();
  readonly #bell = createEventFd();
  readonly #worker: Worker;

  /** `setup`: what goes to the thread besides RingThreadSetup. */
  constructor(pager: Pager, script: URL, name: string, setup: object, onBell: () => void) {
    const workerData = { ...setup, ring: this.ring.parts, bell: this.#bell } satisfies RingThreadSetup;
    this.#worker = new Worker(script, { workerData, name });
    this.#worker.unref();
    // Heard when the pager's loop is over, and with it all that goes by the descriptors' numbers.
    this.#worker.once("exit", () => {
      close(this.#bell);
      close(this.ring.parts.door);
    });
    pager.watch(this.#bell, Ready.in + Ready.edge, onBell);
  }

  /** The thread ends by itself, and is waited for: one that is ended while it still loads its system calls ends the process. */
  stop(): void {
    this.#worker.ref();
    this.ring.stop();
  }
}
