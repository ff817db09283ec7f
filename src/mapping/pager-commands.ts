import { type MessagePort, receiveMessageOnPort, type Transferable, workerData } from "node:worker_threads";
import { Ready } from "../kernel/epoll.js";
import { drainEventFd } from "../kernel/event-fd.js";
import { type BufferPlace, threadBuffers } from "../kernel/native-buffer.js";
import type { Pager } from "./pager.js";
import { stopProcess } from "./stop-process.js";

/** Answers one call: at once or later, exactly once. */
export interface Reply {
  (value?: unknown, transfer?: readonly Transferable[]): void;
  /** Rejects the promise, or throws from the synchronous call. Name, message, code and remedy cross. */
  readonly fail: (error: unknown) => void;
}

/** A call's handler; `args` is what the caller passed. What it throws fails the call; an InvariantError stops the process. */
export type Method = (args: never, reply: Reply) => void;

/** Tells the program's thread something: `onEvent(event, value)` there. */
export type Emit = (event: string, value: unknown, transfer?: readonly Transferable[]) => void;

export interface PagerProgram {
  readonly pager: Pager;
  readonly methods: Record<string, Method>;
  /**
   * The thread is to end, by `close` or because the process exits: write back, say goodbye, then call `done`. Faults are
   * served until then; an exiting process waits for a bounded time. Caches need not be closed: threads that still run
   * while the process exits then sleep in their next fault, which is better than zeros that look like data.
   */
  readonly onStop?: (done: () => void) => void;
  /** The end has been asked for and is waited for no longer: call `done` now. Without it, it is as if that had been called. */
  readonly onGiveUp?: () => void;
}

/** What crosses to a new pager thread. */
export interface PagerSetup {
  readonly port: MessagePort;
  /** An eventfd, rung after every message: a port alone cannot wake epoll. */
  readonly bell: number;
  /** [0] counts the answers, for the synchronous caller that sleeps on it. */
  readonly answers: SharedArrayBuffer;
  readonly data: unknown;
}

export type ToPager = { readonly id: number; readonly method: string; readonly args: unknown };
export type FromPager =
  | { readonly kind: "ready" }
  | { readonly kind: "result"; readonly id: number; readonly value: unknown }
  | { readonly kind: "failure"; readonly id: number; readonly error: PlainError }
  | { readonly kind: "event"; readonly event: string; readonly value: unknown }
  /** The last: the thread serves nobody any more, and once it is gone these buffers are nobody's. */
  | { readonly kind: "ended"; readonly buffers: readonly BufferPlace[] };

export interface PlainError {
  readonly name: string;
  readonly message: string;
  readonly code: string | undefined;
  /** Linux's number, where the system gave one. */
  readonly errno: number | undefined;
  /** What to try, where whoever threw it knows. */
  readonly remedy: string | undefined;
  readonly stack: string | undefined;
}

/** The calls that end the thread, and that end waiting for that end; and the id under which a failed start is reported. */
export const stopMethod = "pager:stop";
export const giveUpMethod = "pager:give up";
export const startId = 0;

/**
 * Runs a pager thread: the one statement of an entry file that `PagerThread.start` was given. `build` may await (it
 * imports modules); once it has returned, the thread is the pager's and nothing on it is asynchronous any more.
 */
export async function runPagerThread(
  build: (data: unknown, emit: Emit) => PagerProgram | Promise<PagerProgram>,
): Promise<void> {
  const setup = workerData as PagerSetup;
  const commands = new PagerCommands(setup);
  try {
    commands.serve(await build(setup.data, (event, value, transfer) => commands.emit(event, value, transfer)));
  } catch (error) {
    commands.fail(startId, error);
    commands.end();
    return;
  }
  commands.run();
  commands.end();
}

/** The pager thread's end of a PagerThread: takes its calls in order, inside the epoll loop. */
class PagerCommands {
  readonly #setup: PagerSetup;
  readonly #answers: Int32Array;
  #program: PagerProgram | undefined;
  /** Who waits for the end. */
  #stops: Reply[] | undefined;

  constructor(setup: PagerSetup) {
    this.#setup = setup;
    this.#answers = new Int32Array(setup.answers);
  }

  serve(program: PagerProgram): void {
    this.#program = program;
    program.pager.watch(this.#setup.bell, Ready.in, () => this.#takeMessages());
  }

  run(): void {
    this.#post({ kind: "ready" });
    this.#takeMessages();
    this.#program?.pager.run();
  }

  end(): void {
    this.#post({ kind: "ended", buffers: threadBuffers() });
    this.#countAnswer();
    this.#setup.port.close();
  }

  emit(event: string, value: unknown, transfer?: readonly Transferable[]): void {
    this.#post({ kind: "event", event, value }, transfer);
  }

  fail(id: number, error: unknown): void {
    this.#post({ kind: "failure", id, error: plainError(error) });
    this.#countAnswer();
  }

  #takeMessages(): void {
    drainEventFd(this.#setup.bell);
    try {
      for (let next = receiveMessageOnPort(this.#setup.port); next; next = receiveMessageOnPort(this.#setup.port)) {
        this.#call(next.message as ToPager);
      }
    } catch (error) {
      stopProcess(error);
    }
  }

  #call({ id, method, args }: ToPager): void {
    const reply = this.#replyTo(id);
    if (method === stopMethod) return this.#stop(reply);
    if (method === giveUpMethod) return this.#giveUp(reply);
    const handler = this.#program?.methods[method];
    if (handler === undefined) return reply.fail(new TypeError(`the pager has no method ${method}`));
    try {
      handler(args as never, reply);
    } catch (error) {
      if ((error as { code?: unknown })?.code === "DMMAP_INVARIANT") throw error;
      reply.fail(error);
    }
  }

  #stop(reply: Reply): void {
    if (this.#stops !== undefined) {
      this.#stops.push(reply);
      return;
    }
    this.#stops = [reply];
    const onStop = this.#program?.onStop;
    if (onStop === undefined) this.#ended();
    else onStop(() => this.#ended());
  }

  #giveUp(reply: Reply): void {
    const { onGiveUp } = this.#program ?? {};
    if (onGiveUp === undefined) this.#ended();
    else onGiveUp();
    reply();
  }

  /** Idempotent. */
  #ended(): void {
    for (const reply of this.#stops?.splice(0) ?? []) reply();
    this.#program?.pager.stop();
  }

  #replyTo(id: number): Reply {
    const reply = (value?: unknown, transfer?: readonly Transferable[]) => {
      this.#post({ kind: "result", id, value }, transfer);
      this.#countAnswer();
    };
    return Object.assign(reply, { fail: (error: unknown) => this.fail(id, error) });
  }

  #countAnswer(): void {
    Atomics.add(this.#answers, 0, 1);
    Atomics.notify(this.#answers, 0);
  }

  #post(message: FromPager, transfer?: readonly Transferable[]): void {
    this.#setup.port.postMessage(message, transfer ?? []);
  }
}

function plainError(error: unknown): PlainError {
  const nothing = { code: undefined, errno: undefined, remedy: undefined, stack: undefined };
  if (!(error instanceof Error)) return { ...nothing, name: "Error", message: String(error) };
  const { name, message, stack } = error;
  const { code, errno, remedy } = error as { code?: unknown; errno?: unknown; remedy?: unknown };
  return {
    name,
    message,
    code: typeof code === "string" ? code : undefined,
    errno: typeof errno === "number" ? errno : undefined,
    remedy: typeof remedy === "string" ? remedy : undefined,
    stack,
  };
}
