import { DmmapError } from "../core/error.js";
import { Frame, FrameType } from "../core/wire/frame.js";
import { nowMicros } from "../kernel/clock.js";
import { Errno } from "../kernel/errno.js";
import type { Connection } from "./connection.js";
import type { Connections } from "./connections.js";
import { FrameHandler } from "./frame-handler.js";
import type { HomeContext } from "./home-context.js";

/** What a node asks by numbers of its own for each file: what names no file answers another request. */
const numberedByFile: ReadonlySet<number> = new Set([FrameType.acquire, FrameType.fetch]);
/** A peer that has more to say than this is heard again when the others have been. */
const turnMicros = 2000;
const framesPerLook = 16;

/** Takes frames off connections and has them served, in order; decides what an error costs its connection. */
export class ConnectionServer {
  readonly #home: HomeContext;
  readonly #connections: Connections;
  readonly #handler: FrameHandler;
  readonly #incoming = new Frame();
  /** Those that have had their turn, and have frames left. */
  readonly #line = new Set<Connection>();

  constructor(home: HomeContext, connections: Connections) {
    this.#home = home;
    this.#connections = connections;
    this.#handler = new FrameHandler(home);
  }

  /** Something came in. */
  read(connection: Connection): void {
    if (connection.state === "ending") {
      if (!connection.drain()) this.#connections.remove(connection);
      return;
    }
    const count = connection.receiving.fill(connection.fd);
    if (count === -Errno.EAGAIN || count === -Errno.EINTR) return;
    if (count <= 0) return this.lose(connection);
    connection.lastHeardMicros = this.#home.nowMicros;
    this.#serve(connection);
  }

  /** Whether anybody waits for another turn. */
  get isBusy(): boolean {
    return this.#line.size > 0;
  }

  /** Another turn for each who waits for one. */
  takeTurns(): void {
    for (const connection of [...this.#line]) {
      this.#line.delete(connection);
      connection.isInLine = false;
      connection.lastHeardMicros = this.#home.nowMicros;
      this.#home.touched(connection);
      this.#serve(connection);
    }
  }

  /** It may go on: serves what had been received before. */
  resume(connection: Connection): void {
    connection.lastHeardMicros = this.#home.nowMicros;
    this.#serve(connection);
    if (connection.wantsToSend) this.#home.touched(connection);
  }

  /** A peer that speaks something else, or worse, is told and cut off; what its session holds has the lease's time. */
  refuse(connection: Connection, code: string, message: string): void {
    this.#home.counters.protocolErrors++;
    connection.end(code, message, this.#home.nowMicros);
    if (connection.session !== undefined) connection.session.wasRefused = true;
    this.#detach(connection);
  }

  /** The peer is gone without a goodbye. */
  lose(connection: Connection): void {
    if (connection.state === "open") this.#home.counters.connectionsLost++;
    this.#detach(connection);
    this.#connections.remove(connection);
  }

  /**
   * Serves what has been received, until it has to wait for the store or for the peer, or the others must have their turn: what
   * one has sent at once may take seconds.
   */
  #serve(connection: Connection): void {
    const { receiving } = connection;
    const frame = this.#incoming;
    for (let served = 1; connection.isTalking && !connection.isPaused; served++) {
      if (served % framesPerLook === 0 && nowMicros() - this.#home.nowMicros > turnMicros) {
        connection.isInLine = true;
        this.#line.add(connection);
        return;
      }
      const found = receiving.peek(frame);
      if (found === "partial") return;
      if (found !== "frame") return this.refuse(connection, "DMMAP_PROTOCOL", found.problem);
      if (this.#serveFrame(connection, frame) === "later") this.#block(connection, frame);
      else if (connection.isTalking) receiving.consume(frame);
    }
  }

  /**
   * The store has no room for a write, nor has memory: what is behind it waits, a sync too. Whoever waits for that sync
   * hears why, and what it was to make durable stays in line.
   */
  #block(connection: Connection, { file }: Frame): void {
    connection.isBlocked = true;
    const reason = "the home's disk is full, and what it could keep in memory is too: free some space there";
    connection.fail(0, new DmmapError("DMMAP_NO_SPACE", reason), file);
    this.#home.touched(connection);
  }

  #serveFrame(connection: Connection, frame: Frame): "served" | "later" {
    try {
      return this.#handler.serve(connection, frame);
    } catch (error) {
      if (!(error instanceof DmmapError)) throw error;
      const { code, message } = error;
      if (code === "DMMAP_PROTOCOL" || code === "DMMAP_VERSION") {
        this.refuse(connection, code, message);
      } else {
        this.#home.counters.requestsFailed++;
        connection.fail(frame.request, error, numberedByFile.has(frame.type) ? frame.file : 0);
      }
      return "served";
    }
  }

  #detach(connection: Connection): void {
    connection.isInLine = false;
    this.#line.delete(connection);
    const { session } = connection;
    connection.session = undefined;
    if (session?.connection === connection) this.#home.sessions.lost(session, this.#home.nowMicros);
  }
}
