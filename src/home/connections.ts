import { type Epoll, Ready } from "../kernel/epoll.js";
import { Errno, errnoName, SystemError } from "../kernel/errno.js";
import { acceptTcp, closeSocket, limitUnsent, peerAddress } from "../kernel/socket.js";
import type { HomeCounters } from "../observe/status.js";
import { BufferPool } from "./buffer-pool.js";
import { Connection } from "./connection.js";
import { outputBytes } from "./output-queue.js";
import { receiveBytes } from "./receive-buffer.js";

export const listenerToken = 1;
const firstConnectionToken = 16;
const acceptsPerTurn = 64;
/** Kept small in the kernel, so that a demand is never far behind what a stream has put there. */
const unsentBytesMax = 256 * 1024;

/** The sockets of a home: takes them in, and asks epoll for what each wants now. */
export class Connections {
  readonly #epoll: Epoll;
  readonly #listener: number;
  readonly #counters: HomeCounters;
  readonly #onWarning: (message: string) => void;
  readonly #byToken = new Map<number, Connection>();
  readonly #tokens = new Map<Connection, number>();
  readonly #receivePool = new BufferPool(receiveBytes);
  readonly #outputPool = new BufferPool(outputBytes);
  #lastToken = firstConnectionToken;
  #isListening = true;
  #isPaused = false;
  /** Said once for each shortage, which ends when nobody waits to be taken in. */
  #isWarned = false;

  constructor(epoll: Epoll, listener: number, counters: HomeCounters, onWarning: (message: string) => void) {
    this.#epoll = epoll;
    this.#listener = listener;
    this.#counters = counters;
    this.#onWarning = onWarning;
    epoll.add(listener, Ready.in, listenerToken);
  }

  get count(): number {
    return this.#byToken.size;
  }

  /** Out of descriptors: nobody is taken in until somebody leaves, or `resumeAccepting` is called. */
  get isPaused(): boolean {
    return this.#isPaused;
  }

  all(): Connection[] {
    return [...this.#byToken.values()];
  }

  find(token: number): Connection | undefined {
    return this.#byToken.get(token);
  }

  accept(nowMicros: number): void {
    for (let count = 0; count < acceptsPerTurn && this.#isListening; count++) {
      const fd = acceptOne(this.#listener);
      if (fd >= 0) this.#add(fd, nowMicros);
      else if (isShortage(-fd)) return this.#pause(-fd);
      else if (fd === -Errno.EAGAIN) {
        this.#isWarned = false;
        return;
      }
    }
  }

  resumeAccepting(): void {
    if (!this.#isPaused || !this.#isListening) return;
    this.#isPaused = false;
    this.#epoll.add(this.#listener, Ready.in, listenerToken);
  }

  stopListening(): void {
    if (!this.#isListening) return;
    this.#isListening = false;
    if (!this.#isPaused) this.#epoll.remove(this.#listener);
    closeSocket(this.#listener);
  }

  /** Asks epoll for what the connection wants now. Call after anything that may have changed it. */
  watch(connection: Connection): void {
    const token = this.#tokens.get(connection);
    if (token === undefined) return;
    const wanted = (connection.isPaused ? 0 : Ready.in) + (connection.wantsToSend ? Ready.out : 0);
    if (wanted === connection.watched) return;
    connection.watched = wanted;
    this.#epoll.modify(connection.fd, wanted, token);
  }

  remove(connection: Connection): void {
    const token = this.#tokens.get(connection);
    if (token === undefined) return;
    this.#tokens.delete(connection);
    this.#byToken.delete(token);
    connection.close(); // Leaves the epoll set by itself.
    this.#receivePool.give(connection.receiveMemory);
    this.#outputPool.give(connection.outputMemory);
    this.resumeAccepting();
  }

  #add(fd: number, nowMicros: number): void {
    const address = addressOf(fd);
    if (address === undefined) return closeSocket(fd); // Gone before it was taken in.
    const token = ++this.#lastToken;
    const memory = { receive: this.#receivePool.take(), output: this.#outputPool.take() };
    const connection = new Connection(fd, address, nowMicros, memory, this.#counters);
    this.#byToken.set(token, connection);
    this.#tokens.set(connection, token);
    connection.watched = Ready.in;
    this.#epoll.add(fd, Ready.in, token);
    this.#counters.connections++;
  }

  #pause(errno: number): void {
    this.#isPaused = true;
    this.#epoll.remove(this.#listener);
    if (this.#isWarned) return;
    this.#isWarned = true;
    this.#onWarning(`new connections wait: ${errnoName(errno)}; raise the limit of open files (ulimit -n)`);
  }
}

function acceptOne(listener: number): number {
  try {
    return acceptTcp(listener);
  } catch (error) {
    if (error instanceof SystemError) return -Errno.ECONNABORTED; // Gone while it was being set up.
    throw error;
  }
}

function isShortage(errno: number): boolean {
  return errno === Errno.EMFILE || errno === Errno.ENFILE || errno === Errno.ENOBUFS || errno === Errno.ENOMEM;
}

function addressOf(fd: number): string | undefined {
  try {
    limitUnsent(fd, unsentBytesMax);
    const { host, port, family } = peerAddress(fd);
    return family === 6 ? `[${host}]:${port}` : `${host}:${port}`;
  } catch (error) {
    if (error instanceof SystemError) return undefined;
    throw error;
  }
}
