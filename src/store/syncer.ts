import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from "node:worker_threads";
import { createEventFd, drainEventFd } from "../kernel/event-fd.js";
import { close } from "../kernel/libc.js";
import type { SyncPart, SyncRequest, SyncResult, SyncThreadData } from "./sync-thread.js";

const ringMillisMax = 1000;
/** Paths that a thread has in its memory at a time: their length in all, and their number. */
const partLengthMax = 256 * 1024;
const partFoldersMax = 4096;
/** So many files are put down at a time. */
export const threadsMax = 4;

/** Runs fdatasync away from the engine's thread. A port of its own, so that tests can make a disk that fails. */
export interface Syncer {
  /** Readable when a sync has ended. */
  readonly wakeFd: number;
  start(request: SyncRequest): void;
  /** The next result that has come in, if any. */
  take(): SyncResult | undefined;
  close(): void;
}

/**
 * Worker threads that block, one for each sync that runs: more than one are started when there is use for them. What they are
 * asked and answer goes by message; to wake them takes one call, and so does it to wake the engine, which never runs an event
 * loop, by an eventfd: a commit waits for both.
 */
export class ThreadSyncer implements Syncer {
  readonly wakeFd = createEventFd();
  readonly #rung = new Int32Array(new SharedArrayBuffer(4));
  readonly #threads: SyncThread[];
  #started = 0;
  #taken = 0;

  constructor() {
    this.#threads = [new SyncThread(this.wakeFd, this.#rung)];
  }

  start(request: SyncRequest): void {
    this.#started++;
    this.#leastBusy().start(request);
  }

  take(): SyncResult | undefined {
    drainEventFd(this.wakeFd);
    for (const thread of this.#threads) {
      const result = thread.take();
      if (result === undefined) continue;
      this.#taken++;
      return result;
    }
    return undefined;
  }

  close(): void {
    for (const thread of this.#threads) thread.stop();
    // A thread rings at the end of a sync: until then, the descriptor's number must not be given to another file.
    if (this.#taken === this.#started && this.#allRang()) close(this.wakeFd);
  }

  #leastBusy(): SyncThread {
    const [first, ...others] = this.#threads;
    const least = others.reduce((found, thread) => (thread.running < found.running ? thread : found), first);
    if (least.running === 0 || this.#threads.length === threadsMax) return least;
    const thread = new SyncThread(this.wakeFd, this.#rung);
    this.#threads.push(thread);
    return thread;
  }

  /** A result is posted before its ring, so whoever looks without having been rung for may be a moment too early. */
  #allRang(): boolean {
    for (let rung = Atomics.load(this.#rung, 0); rung < this.#started; rung = Atomics.load(this.#rung, 0)) {
      if (Atomics.wait(this.#rung, 0, rung, ringMillisMax) === "timed-out") return false;
    }
    return true;
  }
}

class SyncThread {
  /** What it has been asked and has not answered. */
  running = 0;
  readonly #port: MessagePort;
  readonly #asked = new Int32Array(new SharedArrayBuffer(4));

  constructor(wakeFd: number, rung: Int32Array) {
    const { port1, port2 } = new MessageChannel();
    const workerData: SyncThreadData = { port: port2, wakeFd, asked: this.#asked, rung };
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

  /** In parts, as there may be more folders than there is memory for in the thread: what waits for it is elsewhere. */
  start({ folders, ...request }: SyncRequest): void {
    this.running++;
    let [part, length, fd]: [string[], number, number] = [[], 0, request.fd];
    for (const folder of folders) {
      part.push(folder);
      length += folder.length;
      if (length < partLengthMax && part.length < partFoldersMax) continue;
      this.#tell({ ...request, fd, folders: part, isLast: false });
      [part, length, fd] = [[], 0, -1];
    }
    this.#tell({ ...request, fd, folders: part, isLast: true });
  }

  take(): SyncResult | undefined {
    const received = receiveMessageOnPort(this.#port);
    if (received === undefined) return undefined;
    this.running--;
    return received.message as SyncResult;
  }

  stop(): void {
    this.#tell("stop");
  }

  #tell(message: SyncPart | "stop"): void {
    this.#port.postMessage(message);
    Atomics.add(this.#asked, 0, 1);
    Atomics.notify(this.#asked, 0);
  }
}
