import { EventEmitter } from "node:events";
import { type MessagePort, receiveMessageOnPort, type Worker } from "node:worker_threads";
import { DmmapError } from "../core/error.js";
import { ringEventFd } from "../kernel/event-fd.js";
import type { SocketAddress } from "../kernel/socket.js";
import type { FencedEvent, FileTokensStatus, HomeStatus } from "../observe/status.js";
import type { CodedMessage, HomeAnswer, HomeCommand, HomeMessage } from "./home-thread.js";
import { urlOf } from "./listen-address.js";

const exitWaitMillis = 5000;

export interface HomeEvents {
  /** A node lost its tokens: what it may have lost is in the event. */
  fenced: [FencedEvent];
  /** Something an operator wants to know. */
  warning: [string];
  /** The home stopped because of a bug of its own. */
  error: [Error];
  closed: [];
}

/** What a home on the main thread holds of its engine's thread. */
export interface EngineThread {
  readonly worker: Worker;
  readonly port: MessagePort;
  readonly commandFd: number;
  readonly ended: Int32Array;
}

/**
 * A home that serves, seen from the main thread. Keeps the process alive until it is closed, as any server does; see
 * `unref`.
 */
export class Home extends EventEmitter<HomeEvents> {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** Changes with every start. */
  readonly boot: string;
  readonly #thread: EngineThread;
  readonly #calls = new Map<number, (answer: HomeAnswer | DmmapError) => void>();
  readonly #onExit = () => this.#stopNow();
  readonly #end: Promise<void>;
  #onEnd: (error: DmmapError | undefined) => void = () => undefined;
  #lastCall = 0;
  #isEnded = false;

  /** Use `startHome`. */
  constructor(thread: EngineThread, boot: string, address: SocketAddress) {
    super();
    this.#thread = thread;
    this.boot = boot;
    this.url = urlOf(address);
    this.host = address.host;
    this.port = address.port;
    this.#end = new Promise((resolve, reject) => {
      this.#onEnd = (error) => (error === undefined ? resolve() : reject(error));
    });
    this.#end.catch(() => undefined); // Whoever calls close() hears of it.
    thread.worker.once("exit", () => this.#onThreadEnd());
    process.on("exit", this.#onExit);
    thread.port.on("message", (message: HomeMessage) => this.#hear(message));
    thread.port.unref();
  }

  /** Counters, files, nodes: what `dmmap status` shows. */
  async status(): Promise<HomeStatus> {
    return (await this.#ask((call) => ({ kind: "status", call }))) as HomeStatus;
  }

  /** Who holds what of a file, as `dmmap tokens` shows; null when nobody has it open. */
  async tokens(name: string): Promise<FileTokensStatus | null> {
    return (await this.#ask((call) => ({ kind: "tokens", call, name }))) as FileTokensStatus | null;
  }

  /** Tells the nodes, puts all files on stable storage, ends. Rejects when that could not be done for some file. */
  close(): Promise<void> {
    if (!this.#isEnded) {
      this.#thread.port.ref();
      this.#tell({ kind: "close" });
    }
    return this.#end;
  }

  /** The process may end while the home serves. */
  unref(): this {
    this.#thread.worker.unref();
    return this;
  }

  ref(): this {
    this.#thread.worker.ref();
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #ask(command: (call: number) => HomeCommand): Promise<HomeAnswer> {
    if (this.#isEnded) throw closedError();
    const call = ++this.#lastCall;
    const answered = new Promise<HomeAnswer | DmmapError>((resolve) => this.#calls.set(call, resolve));
    this.#thread.port.ref();
    this.#tell(command(call));
    const answer = await answered;
    if (answer instanceof DmmapError) throw answer;
    return answer;
  }

  #tell(command: HomeCommand): void {
    this.#thread.port.postMessage(command);
    ringEventFd(this.#thread.commandFd);
  }

  #hear(message: HomeMessage): void {
    switch (message.kind) {
      case "answer":
        return this.#answer(message.call, message.answer);
      case "fenced":
        this.emit("fenced", message.event);
        return;
      case "warning":
        this.emit("warning", message.message);
        return;
      case "ended":
        return this.#ended(message.error);
      case "broken":
        return this.#broken(message.error, message.stack);
      case "ready":
      case "refused":
        return; // Only at the start, before there is a Home.
    }
  }

  #onThreadEnd(): void {
    // A thread's end may be told before its last messages are.
    for (let next = receiveMessageOnPort(this.#thread.port); next; next = receiveMessageOnPort(this.#thread.port)) {
      this.#hear(next.message as HomeMessage);
    }
    if (!this.#isEnded) this.#broken({ code: "DMMAP_INTERNAL", message: "its thread ended" }, undefined);
  }

  #answer(call: number, answer: HomeAnswer): void {
    this.#calls.get(call)?.(answer);
    this.#calls.delete(call);
    if (this.#calls.size === 0) this.#thread.port.unref();
  }

  #ended(error: CodedMessage | undefined): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    process.off("exit", this.#onExit);
    for (const resolve of this.#calls.values()) resolve(closedError());
    this.#calls.clear();
    this.#thread.port.close();
    this.#onEnd(error === undefined ? undefined : new DmmapError(error.code, error.message));
    this.emit("closed");
  }

  #broken(error: CodedMessage, stack: string | undefined): void {
    this.#ended(error);
    const fatal = new DmmapError(error.code, `the home stopped: ${error.message}`, { cause: stack });
    this.emit("error", fatal);
  }

  /** The process ends, and a thread that sleeps in epoll would keep it: wakes it and waits until it is out. */
  #stopNow(): void {
    this.#tell({ kind: "stop" });
    Atomics.wait(this.#thread.ended, 0, 0, exitWaitMillis);
  }
}

function closedError(): DmmapError {
  return new DmmapError("DMMAP_CLOSED", "the home is closed");
}
