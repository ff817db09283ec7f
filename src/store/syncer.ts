import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from "node:worker_threads";
import { createEventFd, drainEventFd } from "../kernel/event-fd.js";
import { close } from "../kernel/libc.js";
import type { SyncRequest, SyncResult, SyncThreadData } from "./sync-thread.js";

const ringMillisMax = 1000;

/** Runs fdatasync away from the engine's thread. A port of its own, so that tests can make a disk that fails. */
export interface Syncer {
  /** Readable when a sync has ended. */
  readonly wakeFd: number;
  start(request: SyncRequest): void;
  /** The next result that has come in, if any. */
  take(): SyncResult | undefined;
  close(): void;
}

/** A worker thread. Its answers come by message, and an eventfd wakes the engine, which never runs an event loop. */
export class ThreadSyncer implements Syncer {
  readonly wakeFd = createEventFd();
  readonly #port: MessagePort;
  readonly #rung = new Int32Array(new SharedArrayBuffer(4));
  #started = 0;
  #taken = 0;

  constructor() {
    const { port1, port2 } = new MessageChannel();
    const workerData: SyncThreadData = { port: port2, wakeFd: this.wakeFd, rung: this.#rung };
    const worker = new Worker(new URL("./sync-thread.js", import.meta.url), {
      workerData,
      transferList: [port2],
      execArgv: [],
      name: "dmmap-sync",
      resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4 },
    });
    worker.unref();
    port1.unref();
    this.#port = port1;
  }

  start(request: SyncRequest): void {
    this.#started++;
    this.#port.postMessage(request);
  }

  take(): SyncResult | undefined {
    drainEventFd(this.wakeFd);
    const received = receiveMessageOnPort(this.#port);
    if (received === undefined) return undefined;
    this.#taken++;
    return received.message as SyncResult;
  }

  close(): void {
    this.#port.postMessage("stop");
    // The thread rings at the end of a sync: until then, the descriptor's number must not be given to another file.
    if (this.#taken === this.#started && this.#allRang()) close(this.wakeFd);
  }

  /** A result is posted before its ring, so whoever looks without having been rung for may be a moment too early. */
  #allRang(): boolean {
    for (let rung = Atomics.load(this.#rung, 0); rung < this.#started; rung = Atomics.load(this.#rung, 0)) {
      if (Atomics.wait(this.#rung, 0, rung, ringMillisMax) === "timed-out") return false;
    }
    return true;
  }
}
