import { DmmapError } from "../core/error.js";
import { Mode, pageBytes, pageMax } from "../core/units.js";
import type { Welcome } from "../core/wire/control.js";
import { Frame, FrameFlag, FrameType, listBytesMax, protocolVersion } from "../core/wire/frame.js";
import { decodeLock } from "../core/wire/lock-frame.js";
import type { SyncDone } from "../store/store.js";
import type { Connection } from "./connection.js";
import { ControlHandler } from "./control-handler.js";
import { type HelloBody, parseHello } from "./control-schemas.js";
import type { HomeContext } from "./home-context.js";
import { type OpenFile, sizeRefused } from "./open-file.js";
import type { Session } from "./session.js";

/** `later`: the store has no room; serve the same frame again, and nothing behind it, when it has. */
export type Served = "served" | "later";

/** Acquires in line for one file. Each page of a thousand threads fits; whoever finds it full asks again after a second. */
const waitersMax = 16_384;
/** Beyond these, such as everybody else waits for. */
const urgentMax = 1024;
/** Ranges of one file that a node may claim in vain: what it hears of them fits into one answer, at two page numbers each. */
const refusedMax = Math.floor(listBytesMax / (2 * String(pageMax).length + "[,],".length));
/** Far beyond what grants reach, and far below where numbers stop being exact: nobody's claim may take epochs there. */
const epochMax = 2 ** 50;

/**
 * Serves one frame after the other. Throws DmmapError: DMMAP_PROTOCOL and DMMAP_VERSION end the connection, all others
 * are the answer to the frame's request.
 */
export class FrameHandler {
  readonly #home: HomeContext;
  readonly #control: ControlHandler;

  constructor(home: HomeContext) {
    this.#home = home;
    this.#control = new ControlHandler(home);
  }

  serve(connection: Connection, frame: Frame): Served {
    const { session } = connection;
    if (session === undefined) return this.#greet(connection, frame);
    switch (frame.type) {
      case FrameType.ping:
        if (frame.extra !== 0) session.lease.deferred(this.#home.nowMicros);
        return this.#pong(connection, frame.request);
      case FrameType.request:
        this.#control.serve(session, connection, frame.request, connection.receiving.payloadText(frame));
        return "served";
      case FrameType.lock: {
        const { data, payloadAt } = connection.receiving;
        const lock = decodeLock(frame.file, data, payloadAt, frame.payloadBytes);
        this.#control.setLock(session, connection, frame.request, lock);
        return "served";
      }
      case FrameType.stored:
        this.#control.stored(session, connection, frame.request, frame.file);
        return "served";
      case FrameType.recalled:
        this.#home.leases.acknowledged(session, frame.request);
        return "served";
      case FrameType.goodbye:
      case FrameType.closing:
        return this.#leave(session, connection);
      case FrameType.release:
      case FrameType.resized:
      case FrameType.growthEnded:
      case FrameType.writingEnded:
        return this.#note(session, connection, frame);
      default:
        return this.#serveFile(session, connection, frame);
    }
  }

  #greet(connection: Connection, frame: Frame): Served {
    if (frame.type !== FrameType.hello) throw protocolError("the first frame must be a hello");
    const hello = parseHello(connection.receiving.payloadText(frame));
    const { boot, leaseMillis } = this.#home;
    const { session, state } = this.#sessionOf(connection, hello);
    connection.session = session;
    connection.state = "open";
    const welcome: Welcome = {
      version: protocolVersion,
      node: session.node,
      session: session.id,
      boot,
      leaseMillis,
      state,
    };
    connection.reply(FrameType.welcome, frame.request, welcome);
    return "served";
  }

  /** Names the ping: pongs that were not asked for do not. */
  #pong(connection: Connection, request: number): Served {
    const pong = connection.frame.reset(FrameType.pong);
    pong.request = request;
    connection.push(pong);
    return "served";
  }

  #sessionOf(connection: Connection, hello: HelloBody): { session: Session; state: Welcome["state"] } {
    const { sessions, recovery, nowMicros } = this.#home;
    const resumed = sessions.resume(connection, hello.session, nowMicros);
    if (resumed !== undefined) return { session: resumed, state: resumed.isRecovering ? "recovering" : "resumed" };
    const isCondemned = hello.session !== undefined && sessions.byId(hello.session) !== undefined;
    if (hello.session === undefined || isCondemned || !recovery.isOpen || !recovery.expects(hello.session)) {
      const session = sessions.begin(connection, hello.name);
      session.hasForgotten = hello.session !== undefined;
      return { session, state: "new" };
    }
    const session = sessions.begin(connection, hello.name, hello.session);
    session.hasForgotten = true;
    session.isRecovering = true;
    session.isBack = false;
    return { session, state: "recovering" };
  }

  /** A node that is back says what it holds. What it lost meanwhile it hears with the answer to `claimed`. */
  #claim(session: Session, open: OpenFile, { file, mode, start, end, epoch }: Frame): Served {
    if (mode === Mode.none || start === end) throw protocolError("a claim of nothing");
    if (epoch > epochMax) throw protocolError("an epoch that no home has given out");
    session.claims = {};
    if (open.directory.claim(session.node, mode, start, end, epoch)) return "served";
    const refused = session.refused.get(file) ?? [];
    if (refused.length === refusedMax) throw protocolError("claims of what others hold, without end");
    session.refused.set(file, refused);
    refused.push([start, end]);
    return "served";
  }

  /** Pages that may have been lost under way, or with the power. Those that are old news are dropped, and counted. */
  #restore(session: Session, connection: Connection, open: OpenFile, frame: Frame): Served {
    const { dataStart, dataEnd, epoch } = frame;
    if (dataEnd - dataStart !== 1) throw protocolError("pages are restored one by one");
    session.claims = {};
    session.lease.deferred(this.#home.nowMicros); // It answers what it was asked behind these, however many they are.
    if (!this.#mayRestore(session, open, frame)) {
      this.#home.counters.framesIgnored++;
      return "served";
    }
    const take = () => open.file.write(dataStart, dataEnd, connection.receiving.payloadAddress);
    if (!open.times.around(session.node, take)) return "later";
    open.duties.onRestored(dataStart, epoch);
    return "served";
  }

  #mayRestore(session: Session, { duties, directory }: OpenFile, frame: Frame): boolean {
    const { dataStart, dataEnd, epoch, extra: duty } = frame;
    if (session.isRecovering) return duties.mayRestore(session.id, dataStart, epoch, duty);
    return duties.mayResend(session.id, duty) && directory.mayWrite(session.node, dataStart, dataEnd);
  }

  /** News of what a node gave up, or lives by. It may cross with the file's close: then it has no meaning any more. */
  #note(session: Session, connection: Connection, frame: Frame): Served {
    const { counters } = this.#home;
    const open = session.files.get(frame.file);
    if (open === undefined) {
      counters.framesIgnored++;
    } else if (frame.type === FrameType.resized) {
      open.directory.resized(session.node, frame.epoch);
    } else if (frame.type === FrameType.growthEnded) {
      open.growthEnded(session.node, frame.epoch);
    } else if (frame.type === FrameType.writingEnded) {
      open.endWriting(session.node);
    } else {
      counters.releases++;
      if (frame.mode === Mode.none) connection.sender.cut(open, frame.start, frame.end);
      open.duties.heard(session.id, frame.extra);
      open.directory.release(session.node, frame.mode, frame.start, frame.end, frame.epoch);
    }
    return "served";
  }

  #serveFile(session: Session, connection: Connection, frame: Frame): Served {
    const open = session.files.get(frame.file);
    if (open === undefined && !fileRequests.has(frame.type)) {
      throw protocolError(`a node does not send frames of type ${frame.type}`);
    }
    if (open === undefined) throw new DmmapError("DMMAP_CLOSED", `this node has no open file ${frame.file}`);
    switch (frame.type) {
      case FrameType.acquire:
        return this.#acquire(session, open, frame);
      case FrameType.fetch:
        return this.#fetch(session, connection, open, frame);
      case FrameType.write:
        return this.#write(session, connection, open, frame);
      case FrameType.sync:
        return this.#syncInTime(session, frame.file, frame.request, !hasFlag(frame, FrameFlag.background));
      case FrameType.claim:
        return this.#claim(session, open, frame);
      case FrameType.restore:
        return this.#restore(session, connection, open, frame);
      case FrameType.grow:
        return this.#grow(session, connection, open, frame);
      default:
        throw protocolError(`a node does not send frames of type ${frame.type}`);
    }
  }

  #acquire(session: Session, { directory }: OpenFile, frame: Frame): Served {
    const { mode, dataStart, dataEnd, start, end, request } = frame;
    if (mode === Mode.none || dataStart === dataEnd) throw protocolError("an acquire of nothing");
    const isUrgent = hasFlag(frame, FrameFlag.urgent);
    const room = isUrgent ? waitersMax + urgentMax : waitersMax;
    if (directory.waiterCount >= room) throw new DmmapError("DMMAP_BUSY", "too many acquires wait for this file");
    this.#home.counters.acquires++;
    session.counters.acquires++;
    const windowEnd = Math.min(frame.extra, pageMax);
    const needsData = hasFlag(frame, FrameFlag.needsData);
    directory.acquire(session.node, request, mode, dataStart, dataEnd, start, end, windowEnd, needsData, isUrgent);
    return "served";
  }

  #fetch(session: Session, connection: Connection, open: OpenFile, frame: Frame): Served {
    const { dataStart, dataEnd, request, epoch, file } = frame;
    if (this.#home.recovery.isOpen) return this.#fetchLater(session, connection, frame);
    if (dataStart < dataEnd && !open.directory.mayFetch(session.node, dataStart, dataEnd)) {
      throw new DmmapError("DMMAP_FENCED", `pages ${dataStart}..${dataEnd} were fetched without a token`);
    }
    this.#home.counters.fetches++;
    const data = connection.frame.reset(FrameType.data);
    data.file = file;
    data.request = request;
    data.epoch = epoch;
    open.sendPages(connection, data, dataStart, dataEnd, dataEnd);
    return "served";
  }

  /**
   * What the store has is not known to be the newest before all nodes are back:
   *
   * 1. A has an old copy of a page, B a newer one; C holds the token for it, and its data was under way.
   * 2. The home restarts. A restores its copy, and C fetches the page, before B has restored the newer one.
   * 3. C stores to what it got, and its write counts as the newest: B's copy is refused, and its stores are gone.
   */
  #fetchLater(session: Session, connection: Connection, frame: Frame): Served {
    const asked = Object.assign(new Frame(), frame);
    this.#home.recovery.park(() => {
      const open = session.files.get(asked.file);
      // The node will ask anew over its next connection; or it has closed the file.
      if (session.connection !== connection || open === undefined) return;
      try {
        this.#fetch(session, connection, open, asked);
      } catch (error) {
        if (!(error instanceof DmmapError)) throw error;
        connection.fail(asked.request, error, asked.file);
      }
      this.#home.touched(connection);
    });
    return "served";
  }

  #write(session: Session, connection: Connection, open: OpenFile, frame: Frame): Served {
    const { dataStart, dataEnd } = frame;
    const { counters } = this.#home;
    if (dataStart < dataEnd && !open.directory.mayWrite(session.node, dataStart, dataEnd)) {
      counters.writesRefused++;
      throw new DmmapError("DMMAP_FENCED", `pages ${dataStart}..${dataEnd} were written without a token: dropped`);
    }
    const taken = open.times.around(session.node, () =>
      hasFlag(frame, FrameFlag.zero)
        ? open.file.writeZeros(dataStart, dataEnd)
        : open.file.write(dataStart, dataEnd, connection.receiving.payloadAddress),
    );
    if (!taken) return "later";
    open.duties.onWrite(session.id, frame.extra, dataStart, dataEnd);
    counters.writes++;
    counters.writeBytes += (dataEnd - dataStart) * pageBytes;
    session.counters.writeBytes += (dataEnd - dataStart) * pageBytes;
    // An answer would wake a node that does not wait for one.
    if (frame.request !== 0) connection.done(FrameType.written, frame.request, frame.file);
    return "served";
  }

  /** One that is back says it again, and may have been heard before; others may have changed the size since. */
  #grow(session: Session, connection: Connection, open: OpenFile, { file, extra: sizeBytes }: Frame): Served {
    const { directory, growth } = open;
    const isReclaiming = session.isRecovering && !session.isBack;
    if (!isReclaiming && growth.node !== session.node) {
      this.#home.counters.framesIgnored++;
      return "served";
    }
    const error = directory.grown(session.node, sizeBytes);
    if (error !== undefined) connection.fail(0, sizeRefused(error), file);
    return "served";
  }

  /**
   * While nodes still come back, what is synced is not safe: 1. A has an old copy of a page, B the new one; B is back, syncs,
   * and drops its copy. 2. The home dies before it has seen A, so nothing is on record of A's copy. 3. A restores it over B's.
   */
  #syncInTime(session: Session, file: number, request: number, isUrgent: boolean): Served {
    const { recovery } = this.#home;
    const open = session.files.get(file);
    if (open === undefined) return "served"; // Closed while the sync waited.
    if (!recovery.isOpen) return this.#sync(session, open, request, isUrgent);
    recovery.park(() => this.#syncInTime(session, file, request, isUrgent));
    return "served";
  }

  /** Answered when the disk has it. The node may have lost its connection by then: then nobody asks any more. */
  #sync(session: Session, open: OpenFile, request: number, isUrgent: boolean): Served {
    const { counters } = this.#home;
    counters.syncs++;
    const onSynced: SyncDone = (error) => {
      if (error !== undefined) counters.syncsFailed++;
      const { connection } = session;
      if (connection === undefined) return;
      if (error !== undefined) connection.fail(request, error);
      else connection.done(FrameType.synced, request, open.number);
      this.#home.touched(connection);
    };
    this.#home.files.sync(open, session.id, onSynced, isUrgent);
    return "served";
  }

  #leave(session: Session, connection: Connection): Served {
    this.#home.sessions.end(session);
    connection.session = undefined;
    connection.end("DMMAP_CLOSED", "goodbye", this.#home.nowMicros);
    return "served";
  }
}

const fileRequests: ReadonlySet<number> = new Set([
  FrameType.acquire,
  FrameType.fetch,
  FrameType.write,
  FrameType.sync,
  FrameType.claim,
  FrameType.restore,
  FrameType.grow,
]);

function hasFlag(frame: Frame, flag: number): boolean {
  return (frame.flags & flag) !== 0;
}

function protocolError(message: string): DmmapError {
  return new DmmapError("DMMAP_PROTOCOL", message);
}
