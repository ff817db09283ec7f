import { once } from "node:events";
import { MessageChannel, type MessagePort, receiveMessageOnPort, type Transferable, Worker } from "node:worker_threads";
import { createEventFd, ringEventFd } from "../kernel/event-fd.js";
import { close } from "../kernel/libc.js";
import { type BufferPlace, unmapBuffers } from "../kernel/native-buffer.js";
import {
  type FromPager,
  giveUpMethod,
  type PagerSetup,
  type PlainError,
  startId,
  stopMethod,
  type ToPager,
} from "./pager-commands.js";
import { atProcessExit } from "./process-end.js";
import { stopProcess } from "./stop-process.js";

export interface PagerThreadOptions {
  /** Goes to the `build` of the entry's `runPagerThread`: what structured clone can carry. */
  readonly data?: unknown;
  readonly transfer?: readonly Transferable[];
  readonly name?: string;
  /** What the pager emitted. Runs on the caller's thread, in order. */
  readonly onEvent?: (event: string, value: unknown) => void;
  /** Makes the error that a failed call throws; by default one of the same name, message and code. */
  readonly reviveError?: (error: PlainError) => Error;
  /** How long an exiting process waits for the pager's goodbye: then the pager gives up. */
  readonly exitMillisMax?: number;
}

/** How long an exiting process waits for what a pager that has given up still says. */
const giveUpMillisMax = 1000;

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  /** Somebody waits for the answer, for which the process has to stay. */
  isAwaited: boolean;
}

/**
 * The program's end of a pager thread: calls it, with a promise or synchronously, and sees to its end.
 *
 * The thread sleeps in epoll, where Node cannot reach it, and so would hold up the process's exit for ever. It keeps
 * nobody alive by itself (its worker and port are unreferenced but for pending promises); when the process exits, by its
 * program's end, `process.exit` or an uncaught error, it is asked to stop, synchronously and for a bounded time.
 */
export class PagerThread {
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #bell: number;
  readonly #answers = new Int32Array(new SharedArrayBuffer(4));
  readonly #pending = new Map<number, Pending>();
  readonly #ids = new WeakMap<Promise<unknown>, number>();
  #awaited = 0;
  readonly #options: PagerThreadOptions;
  readonly #exited: Promise<unknown>;
  readonly #forgetProcessExit: () => void;
  #lastId = startId;
  #buffers: readonly BufferPlace[] = [];
  #state: "starting" | "running" | "closing" | "ended" = "starting";
  /** It has said its last. */
  #isSilent = false;

  /** Starts the thread and resolves when its program is built; rejects with what `build`, or an import of it, threw. */
  static async start(entry: URL, options: PagerThreadOptions = {}): Promise<PagerThread> {
    const thread = new PagerThread(entry, options);
    await thread.#started();
    return thread;
  }

  private constructor(entry: URL, options: PagerThreadOptions) {
    this.#options = options;
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.#bell = createEventFd();
    const answers = this.#answers.buffer;
    const setup: PagerSetup = { port: port2, bell: this.#bell, answers, data: options.data };
    this.#worker = new Worker(entry, {
      workerData: setup,
      transferList: [port2, ...(options.transfer ?? [])] as Transferable[],
      name: options.name ?? "dmmap pager",
      execArgv: execArgvOfFiles(),
    });
    this.#exited = once(this.#worker, "exit").finally(() => this.#onWorkerExit());
    this.#exited.catch(() => undefined); // An error of the worker is reported by the listener below.
    this.#worker.on("error", (error) => this.#onWorkerError(error));
    this.#worker.unref();
    this.#port.on("message", (message: FromPager) => this.#deliver(message));
    this.#port.unref();
    this.#forgetProcessExit = atProcessExit(() => this.#stopAtExit());
  }

  /** Calls a method of the pager's program. The process stays until it has answered. */
  call(method: string, args?: unknown, transfer?: readonly Transferable[]): Promise<unknown> {
    const id = this.#post(method, args, transfer);
    const answer = this.#answerTo(id);
    this.#ids.set(answer, id);
    return answer;
  }

  /** Nobody waits for what this call has promised any more: it may still come, but keeps no process alive. */
  abandon(answer: Promise<unknown>): void {
    const pending = this.#pending.get(this.#ids.get(answer) ?? startId);
    if (pending !== undefined) this.#settleDown(pending);
  }

  /** Nobody waits for any call. */
  abandonAll(): void {
    for (const pending of this.#pending.values()) this.#settleDown(pending);
  }

  /** The same, and sleeps until the answer is there. The pager never waits for this thread, so it always comes. */
  callSync(method: string, args?: unknown, millisMax = Number.POSITIVE_INFINITY): unknown {
    return this.#waitFor(this.#post(method, args), method, millisMax);
  }

  #waitFor(id: number, method: string, millisMax: number): unknown {
    for (;;) {
      const seen = Atomics.load(this.#answers, 0);
      for (let next = receiveMessageOnPort(this.#port); next; next = receiveMessageOnPort(this.#port)) {
        const message = next.message as FromPager;
        if (message.kind === "result" && message.id === id) return message.value;
        if (message.kind === "failure" && message.id === id) throw this.#revive(message.error);
        this.#deliver(message);
      }
      if (this.#isSilent) throw closedError();
      if (Atomics.wait(this.#answers, 0, seen, millisMax) === "timed-out") {
        throw Object.assign(new Error(`the pager did not answer ${method} in time`), { code: "DMMAP_TIMEOUT" });
      }
    }
  }

  /** Calls and wants no answer. */
  post(method: string, args?: unknown, transfer?: readonly Transferable[]): void {
    this.#post(method, args, transfer);
  }

  /** Stops the pager's program and resolves when its thread has ended. */
  async close(): Promise<void> {
    if (this.#state === "running") {
      const stopped = this.call(stopMethod);
      this.#state = "closing";
      await stopped;
      this.#worker.ref(); // Or a program with nothing else to do would end here, in the middle of an await.
    }
    await this.#exited.catch(() => undefined);
  }

  /** Has `close`, which has been called, wait for nothing any more. */
  giveUp(): void {
    if (this.#state === "closing") this.#send(giveUpMethod, undefined);
  }

  #post(method: string, args: unknown, transfer?: readonly Transferable[]): number {
    if (this.#state !== "running") throw closedError();
    return this.#send(method, args, transfer);
  }

  #send(method: string, args: unknown, transfer?: readonly Transferable[]): number {
    const message: ToPager = { id: ++this.#lastId, method, args };
    this.#port.postMessage(message, (transfer ?? []) as Transferable[]);
    ringEventFd(this.#bell);
    return message.id;
  }

  #started(): Promise<unknown> {
    return this.#answerTo(startId);
  }

  #answerTo(id: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#awaited++ === 0) this.#port.ref();
      this.#pending.set(id, { resolve, reject, isAwaited: true });
    });
  }

  #settleDown(pending: Pending): void {
    if (!pending.isAwaited) return;
    pending.isAwaited = false;
    if (--this.#awaited === 0) this.#port.unref();
  }

  #deliver(message: FromPager): void {
    if (message.kind === "event") {
      // Not inside somebody's synchronous call: the program does not expect its listeners to run there.
      queueMicrotask(() => this.#options.onEvent?.(message.event, message.value));
      return;
    }
    if (message.kind === "ended") {
      this.#buffers = message.buffers;
      this.#isSilent = true;
      return;
    }
    if (message.kind === "ready") this.#state = "running";
    const id = message.kind === "ready" ? startId : message.id;
    const pending = this.#pending.get(id);
    if (pending === undefined) return; // The answer to a `post`.
    this.#pending.delete(id);
    this.#settleDown(pending);
    if (message.kind === "failure") pending.reject(this.#revive(message.error));
    else pending.resolve(message.kind === "result" ? message.value : undefined);
  }

  #revive(error: PlainError): Error {
    if (this.#options.reviveError !== undefined) return this.#options.reviveError(error);
    const kinds: Record<string, new (message: string) => Error> = { RangeError, TypeError };
    const revived = new (kinds[error.name] ?? Error)(error.message);
    if (error.code !== undefined) Object.assign(revived, { code: error.code });
    return revived;
  }

  #stopAtExit(): void {
    if (this.#state !== "running" && this.#state !== "closing") return;
    this.#state = "closing";
    try {
      this.#waitFor(this.#send(stopMethod, undefined), stopMethod, this.#options.exitMillisMax ?? 5000);
    } catch {
      this.#giveUpAtExit();
    }
  }

  /** What it could not send is lost, as it would be in a kill; but it says so. */
  #giveUpAtExit(): void {
    try {
      this.#waitFor(this.#send(giveUpMethod, undefined), giveUpMethod, giveUpMillisMax);
    } catch {
      // It is stuck.
    }
  }

  #onWorkerError(error: unknown): void {
    if (this.#state === "running") stopProcess(error);
    this.#pending.get(startId)?.reject(error as Error);
  }

  #onWorkerExit(): void {
    // The worker's end may be told before its last answers are.
    for (let next = receiveMessageOnPort(this.#port); next; next = receiveMessageOnPort(this.#port)) {
      this.#deliver(next.message as FromPager);
    }
    if (this.#state === "running") stopProcess(new Error("the pager's thread ended, and its program still needs it"));
    this.#state = "ended";
    const ended = closedError();
    for (const { reject } of this.#pending.values()) reject(ended);
    this.#pending.clear();
    this.#forgetProcessExit();
    this.#port.close();
    close(this.#bell);
    unmapBuffers(this.#buffers);
  }
}

function closedError(): Error {
  return Object.assign(new Error("this pager is closed"), { code: "DMMAP_CLOSED" });
}

/** Node's options of this process, but that of a program that is no file: with `--input-type` no thread starts from one. */
function execArgvOfFiles(): string[] {
  const option = "--input-type";
  const { execArgv } = process;
  return execArgv.filter((word, at) => !word.startsWith(option) && execArgv[at - 1] !== option);
}
