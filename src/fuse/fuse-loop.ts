import { nowMicros } from "../kernel/clock.js";
import { Ready } from "../kernel/epoll.js";
import { Errno, errnoName } from "../kernel/errno.js";
import * as libc from "../kernel/libc.js";
import { NativeBuffer } from "../kernel/native-buffer.js";
import type { Pager } from "../mapping/pager.js";
import { type FuseLimits, greet } from "./init.js";
import { Opcode } from "./protocol.js";
import { Request, type RequestOwner } from "./request.js";

/** The largest WRITE, and then its headers. */
export const writeBytesMax = 1024 * 1024;
const bufferBytes = writeBytesMax + 4096;
/** Requests served before other descriptors get their turn. */
const requestsPerTurn = 32;
/** So often it is looked whether more than one request waits at a time. */
const lookTurns = 16;

/** Serves one kind of request. A throw is an internal error, and stops the mount. */
export type Operation = (request: Request) => void;

export interface FuseLoopSink {
  /** A request waits for its answer. */
  onWait(): void;
  /** The thread that waits for it has had a signal. */
  onInterrupt(request: Request): void;
  /** The file system has been unmounted. */
  onEnd(): void;
}

/** Reads the kernel's requests off /dev/fuse, in the pager's loop, and has each served by its operation. */
export class FuseLoop implements RequestOwner {
  readonly fd: number;
  readonly #pager: Pager;
  readonly #operations: ReadonlyMap<number, Operation>;
  readonly #sink: FuseLoopSink;
  readonly #spares: NativeBuffer[] = [];
  readonly #waiting = new Map<number, Request>();
  #buffer = new NativeBuffer(bufferBytes);
  #isClosed = false;
  #turns = 0;
  #isBusy = false;
  /** The last thing that happened to a request is that it was answered: so the next thing is that another one comes. */
  #isAnsweredLast = false;
  limits: FuseLimits | undefined;
  /** The request that is being served just now, or was served last: it is not among those that wait. */
  serving: Request | undefined;

  constructor(pager: Pager, fd: number, operations: ReadonlyMap<number, Operation>, sink: FuseLoopSink) {
    this.fd = fd;
    this.#pager = pager;
    this.#operations = operations;
    this.#sink = sink;
    pager.watch(fd, Ready.in, () => this.#read());
    pager.expect(() => this.#isAnsweredLast && this.#read());
  }

  /** Requests that wait for their answers, the oldest first. */
  get waiting(): Iterable<Request> {
    return this.#waiting.values();
  }

  get waitingCount(): number {
    return this.#waiting.size;
  }

  takeBuffer(): void {
    this.#buffer = this.#spares.pop() ?? new NativeBuffer(bufferBytes);
  }

  returnBuffer(buffer: NativeBuffer): void {
    this.#spares.push(buffer); // Only what was written to of it takes memory: mostly its first page.
  }

  answered(request: Request): void {
    this.#waiting.delete(request.unique);
    this.#isAnsweredLast = true;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#pager.unwatch(this.fd);
    this.#pager.expect(undefined);
    libc.close(this.fd);
  }

  /**
   * A program that waits for its answer asks nothing more before it has it: so to read until there is nothing costs a call for
   * nothing each time, unless many programs ask.
   *
   * @returns whether there was something: a request, or the end
   */
  #read(): boolean {
    const looks = this.#isBusy || ++this.#turns % lookTurns === 0;
    const countMax = looks ? requestsPerTurn : 1;
    let count = 0;
    while (count < countMax && !this.#isClosed && this.#take()) count++;
    if (looks && count > 0) this.#isBusy = count > 1;
    return count > 0;
  }

  /** @returns whether there was something. */
  #take(): boolean {
    const length = libc.read(this.fd, this.#buffer.address, bufferBytes);
    if (length >= 0) {
      this.#serve(new Request(this, this.#buffer));
      return true;
    }
    const errno = libc.errno();
    if (errno === Errno.EAGAIN) return false;
    if (errno === Errno.EINTR || errno === Errno.ENOENT) return true; // Interrupted before it could be read.
    // ECONNABORTED: unmounted just while this took a request off the kernel's queue (fuse_dev_do_read, fs/fuse/dev.c).
    if (errno !== Errno.ENODEV && errno !== Errno.ECONNABORTED)
      throw new Error(`reading /dev/fuse: ${errnoName(errno)}`);
    this.#sink.onEnd();
    return true;
  }

  #serve(request: Request): void {
    const { opcode, unique } = request;
    if (opcode === Opcode.init) {
      this.limits = greet(request);
      return;
    }
    if (opcode === Opcode.interrupt) return this.#interrupt(request);
    const operation = this.#operations.get(opcode);
    if (operation === undefined) return request.fail(Errno.ENOSYS);
    this.serving = request;
    operation(request);
    if (request.isAnswered) return;
    request.keep();
    request.since = nowMicros();
    this.#waiting.set(unique, request);
    this.#isAnsweredLast = false;
    this.#sink.onWait();
  }

  /** Interrupts are told while the request waits; one that has been answered is left alone. */
  #interrupt(request: Request): void {
    const interrupted = this.#waiting.get(request.u64(0));
    request.drop();
    if (interrupted !== undefined) this.#sink.onInterrupt(interrupted);
  }
}
