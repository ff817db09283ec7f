import { randomBytes } from "node:crypto";
import { DmmapError } from "../core/error.js";
import { type HomeRecord, mayBeUnstable, Recovery, type RecoveryPort } from "../core/home/recovery.js";
import { nowMicros } from "../kernel/clock.js";
import { Ready } from "../kernel/epoll.js";
import { drainEventFd } from "../kernel/event-fd.js";
import { type Polling, PollingEpoll } from "../kernel/polling-epoll.js";
import {
  type FencedEvent,
  type Fencing,
  type FileTokensStatus,
  type HomeStatus,
  newHomeCounters,
} from "../observe/status.js";
import type { Store } from "../store/store.js";
import type { Connection } from "./connection.js";
import { ConnectionServer } from "./connection-server.js";
import { Connections, listenerToken } from "./connections.js";
import type { HomeContext } from "./home-context.js";
import { Leases } from "./leases.js";
import type { OpenFile } from "./open-file.js";
import { OpenFiles } from "./open-files.js";
import type { Session } from "./session.js";
import { lostWithHome, readRecord, writeRecord } from "./session-note.js";
import { Sessions } from "./sessions.js";
import { fileTokens, homeStatus, type Reported } from "./status-report.js";

const commandToken = 2;
const storeToken = 3;
const endingMicrosMax = 1e6;
const closingMicrosMax = 300_000;
const tickMicrosMax = 1e6;
const tickMicrosMin = 10_000;
const fencingsMax = 100;
const listenMicros = 50_000;

export interface EngineOptions {
  readonly store: Store;
  readonly storeName: string;
  /** A listening socket, and where it listens. */
  readonly listener: number;
  readonly url: string;
  readonly leaseMillis: number;
  /** How long a connection may take to say hello. */
  readonly helloMillis: number;
  readonly polling: Polling;
  /** An eventfd that is rung when `onCommand` has something to do. */
  readonly commandFd: number;
}

export interface EngineEvents {
  onCommand(): void;
  onFenced(event: FencedEvent): void;
  onWarning(message: string): void;
}

/**
 * The home's loop: sleeps in epoll, serves what is ready, sends what came of it. Never awaits: syncs run on another
 * thread and come back through an eventfd.
 */
export class Engine implements HomeContext, Reported {
  readonly boot = randomBytes(8).toString("hex");
  readonly url: string;
  readonly store: Store;
  readonly storeName: string;
  readonly leaseMillis: number;
  readonly counters = newHomeCounters();
  /** Newest first. */
  readonly fencings: FencedEvent[] = [];
  readonly sessions: Sessions;
  readonly files: OpenFiles;
  readonly recovery: Recovery;
  readonly leases: Leases;
  readonly startedMicros = nowMicros();
  nowMicros = this.startedMicros;

  readonly #events: EngineEvents;
  readonly #commandFd: number;
  readonly #helloMicros: number;
  readonly #tickMicros: number;
  readonly #epoll: PollingEpoll;
  readonly #connections: Connections;
  readonly #server: ConnectionServer;
  readonly #touched = new Set<Connection>();
  #nextTick = 0;
  #isListening = false;
  #closingMicros = Number.POSITIVE_INFINITY;
  #syncsPending = 0;
  #closeError: DmmapError | undefined;
  #isStopped = false;

  constructor(options: EngineOptions, events: EngineEvents) {
    this.#events = events;
    this.url = options.url;
    this.store = options.store;
    this.storeName = options.storeName;
    this.leaseMillis = options.leaseMillis;
    this.#commandFd = options.commandFd;
    this.#epoll = new PollingEpoll(options.polling);
    this.#helloMicros = options.helloMillis * 1000;
    const soonest = Math.min(options.leaseMillis, options.helloMillis) * 125;
    this.#tickMicros = Math.max(tickMicrosMin, Math.min(tickMicrosMax, soonest));
    const onFenced = (fencing: Fencing) => this.#onFenced(fencing);
    this.recovery = this.#recovery();
    const connectionOf = (node: number) => this.sessions.connectionOf(node);
    const touched = (connection: Connection) => this.touched(connection);
    const onWarning = (message: string) => events.onWarning(message);
    this.files = new OpenFiles(
      this.store,
      { counters: this.counters, connectionOf, touched, onWarning },
      this.recovery,
    );
    this.sessions = new Sessions(options.leaseMillis, this.counters, this.files, {
      onFenced,
      onDisconnected: (session) => this.leases.disconnected(session),
      onEnd: (session) => this.#onEnd(session),
      unanswered: (session) => this.leases.unanswered(session.node),
      strike: (session) => this.recovery.forget(session.id),
      isExpected: (session) => this.recovery.expects(session.id),
    });
    this.leases = new Leases({
      counters: this.counters,
      files: this.files,
      connectionOf,
      touched,
      onFirst: (session) => this.recovery.rememberSession(session.id, session.name),
    });
    this.#connections = new Connections(this.#epoll, options.listener, this.counters, onWarning);
    this.#server = new ConnectionServer(this, this.#connections);
    this.#epoll.add(this.#commandFd, Ready.in, commandToken);
    if (this.store.wakeFd >= 0) this.#epoll.add(this.store.wakeFd, Ready.in, storeToken);
  }

  /** Serves until `close` is done or `stop` is called. @returns the error of a last sync that failed. */
  run(): DmmapError | undefined {
    while (!this.#isStopped && !this.#isClosed()) {
      const count = this.#epoll.wait(this.#sleepMicros());
      this.nowMicros = nowMicros();
      for (let index = 0; index < count; index++) {
        this.#dispatch(this.#epoll.token(index), this.#epoll.events(index));
        this.#flushTouched();
      }
      if (this.#server.isBusy) this.#server.takeTurns();
      if (this.nowMicros >= this.#nextTick) this.#tickOrListen();
      this.#flushTouched();
    }
    this.#connections.stopListening();
    for (const connection of this.#connections.all()) this.#connections.remove(connection);
    this.#settleRefused();
    this.store.close();
    this.#epoll.close();
    return this.#closeError;
  }

  /** Tells all nodes, puts all files on stable storage, then ends the loop. */
  close(): void {
    if (this.#closingMicros !== Number.POSITIVE_INFINITY) return;
    this.#closingMicros = this.nowMicros;
    this.#nextTick = this.nowMicros + closingMicrosMax;
    this.#connections.stopListening();
    for (const connection of this.#connections.all()) {
      connection.end("DMMAP_CLOSED", "the home is closing", this.nowMicros);
      this.touched(connection);
    }
    for (const { file } of this.files.all()) {
      this.#syncsPending++;
      file.sync((error) => {
        this.#syncsPending--;
        this.#closeError ??= error;
      });
    }
  }

  /** Ends the loop now. What was taken is in the hands of the operating system. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Pages that the disk would not take, of files that nobody has open any more, get their last chance. */
  #settleRefused(): void {
    if (this.store.refusedBytes > 0) this.store.retry();
    const { refusedBytes } = this.store;
    if (refusedBytes === 0) return;
    this.#closeError ??= new DmmapError(
      "DMMAP_NO_SPACE",
      `${refusedBytes} bytes found no room on the disk, and are lost`,
    );
  }

  touched(connection: Connection): void {
    this.#touched.add(connection);
  }

  status(): HomeStatus {
    return homeStatus(this);
  }

  #onEnd(session: Session): void {
    this.leases.disconnected(session);
    this.leases.forget(session);
    this.recovery.forget(session.id);
  }

  /** Told once, and kept for whoever asks later. */
  #onFenced(fencing: Fencing): void {
    const event = { ...fencing, atMillis: Date.now() };
    this.fencings.unshift(event);
    if (this.fencings.length > fencingsMax) this.fencings.pop();
    this.#events.onFenced(event);
  }

  #recovery(): Recovery {
    const { store, leaseMillis } = this;
    const port: RecoveryPort = {
      remember: (record) => this.#remember(record),
      isBack: (session) => this.sessions.byId(session) !== undefined,
      onLost: (session) => {
        this.counters.fenced++;
        this.#onFenced(lostWithHome(store, session));
      },
      onEnd: () => this.#endRecovery(),
    };
    const record = readRecord(store);
    if (mayBeUnstable(record)) store.syncAll();
    return new Recovery(port, record.sessions, leaseMillis * 1000, nowMicros());
  }

  #remember(record: HomeRecord): DmmapError | undefined {
    const wasBehind = this.recovery.isBehind;
    const refusal = writeRecord(this.store, record);
    if (refusal !== undefined && !wasBehind) {
      const what = "no node can open what it had not open, and none that is lost is given up";
      this.#events.onWarning(`${refusal.message}: until it can, ${what}`);
    } else if (refusal === undefined && wasBehind) {
      this.#events.onWarning("the home's note of its nodes is written again");
    }
    return refusal;
  }

  #endRecovery(): void {
    this.files.endRecovery();
    for (const session of this.sessions.all()) session.isRecovering = false;
  }

  tokens(open: OpenFile): FileTokensStatus {
    return fileTokens(open, this.sessions);
  }

  #dispatch(token: number, events: number): void {
    if (token === listenerToken) return this.#connections.accept(this.nowMicros);
    if (token === storeToken) return this.store.onWake();
    if (token === commandToken) {
      drainEventFd(this.#commandFd);
      return this.#events.onCommand();
    }
    const connection = this.#connections.find(token);
    if (connection === undefined) return; // Removed by an earlier event of this turn.
    this.#onReady(connection, events);
    // Last: who waited for what this peer has given up has waited for longer than the peer will for its answer.
    this.#touched.delete(connection);
    this.#touched.add(connection);
  }

  #onReady(connection: Connection, events: number): void {
    const hangUp = (events & (Ready.error | Ready.hangUp)) !== 0;
    // What a paused peer takes in shows that it lives: it has no other way to be heard.
    if (connection.isPaused && (events & Ready.out) !== 0) connection.lastHeardMicros = this.nowMicros;
    if (hangUp && connection.isInLine) return; // What it has said before is served first.
    if (hangUp && connection.isPaused) return this.#server.lose(connection); // Nothing would read to its end.
    if (hangUp || (events & Ready.in) !== 0) this.#server.read(connection);
  }

  #flushTouched(): void {
    for (const connection of this.#touched) {
      this.#touched.delete(connection);
      if (connection.state === "closed") continue;
      const wasPaused = connection.isPaused;
      if (!connection.flush()) {
        this.#server.lose(connection);
        continue;
      }
      // Frames that had been received before may be served now; what comes of them is sent in this same walk.
      if (wasPaused && !connection.isPaused) this.#server.resume(connection);
      this.#connections.watch(connection);
    }
  }

  /**
   * A tick that comes very late means that this process was stopped. What the nodes have said meanwhile waits in the sockets:
   * to look at their leases before that would fence all of them for our own silence.
   */
  #tickOrListen(): void {
    const isLate = this.#nextTick > 0 && this.nowMicros - this.#nextTick > this.#tickMicros;
    if (isLate && !this.#isListening) {
      this.#isListening = true;
      this.#nextTick = this.nowMicros + Math.min(this.#tickMicros, listenMicros);
    } else {
      this.#isListening = false;
      this.#tick();
    }
  }

  #tick(): void {
    this.#nextTick = this.nowMicros + this.#tickMicros;
    this.sessions.expire(this.nowMicros);
    this.store.tree.expire();
    this.recovery.onTime(this.nowMicros);
    if (this.store.refusedBytes > 0) this.store.retry();
    this.files.retry();
    this.#connections.resumeAccepting();
    for (const connection of this.#connections.all()) {
      this.touched(connection);
      if (connection.isBlocked) {
        connection.isBlocked = false;
        this.#server.resume(connection);
      } else if (connection.state === "greeting" && this.#isOverdue(connection, this.#helloMicros)) {
        this.#server.refuse(connection, "DMMAP_PROTOCOL", "no hello came");
      } else if (connection.state === "ending" && this.#isOverdue(connection, endingMicrosMax)) {
        this.#connections.remove(connection);
      }
    }
  }

  #isOverdue(connection: Connection, micros: number): boolean {
    return this.nowMicros - connection.sinceMicros > micros;
  }

  /** Without anybody to look after, the loop sleeps until something happens. */
  #sleepMicros(): number {
    if (this.#server.isBusy) return 0;
    const closing = this.#closingMicros !== Number.POSITIVE_INFINITY;
    const { count, isPaused } = this.#connections;
    const awake =
      count > 0 ||
      this.sessions.count > 0 ||
      this.store.refusedBytes > 0 ||
      this.files.wantsRetry ||
      isPaused ||
      closing ||
      this.recovery.isOpen ||
      this.recovery.isBehind;
    return awake ? Math.max(0, this.#nextTick - nowMicros()) : Number.POSITIVE_INFINITY;
  }

  #isClosed(): boolean {
    if (this.#closingMicros === Number.POSITIVE_INFINITY || this.#syncsPending > 0) return false;
    // Closing with unread input would reset the connection: a node that has heard why closes by itself.
    return this.#connections.count === 0 || this.nowMicros - this.#closingMicros > closingMicrosMax;
  }
}
