import { randomBytes } from "node:crypto";
import { Mode, type NodeId, pageEndAt } from "../core/units.js";
import { FrameType } from "../core/wire/frame.js";
import type { Fencing, HomeCounters } from "../observe/status.js";
import type { Connection } from "./connection.js";
import type { OpenFile } from "./open-file.js";
import { Session } from "./session.js";

const rangesMax = 100;

/** What becomes of a node's files when it goes. */
export interface SessionFiles {
  /** The session is over: takes the node out of the file, with all it holds there. */
  leave(file: OpenFile, session: Session): void;
  /** The node's connection is lost: what it holds stays, what it asked is void. */
  disconnected(file: OpenFile, node: NodeId): void;
}

export interface SessionEvents {
  onFenced(event: Fencing): void;
  /** Its connection is lost, and it lives on. */
  onDisconnected(session: Session): void;
  onEnd(session: Session): void;
  /** Takes it off the record. @returns whether it is: only then may others have what it held */
  strike(session: Session): boolean;
  /** What it was asked to forget, and has not answered. */
  unanswered(session: Session): object | undefined;
  /** Whether a home that recovers waits for it to say what it holds. */
  isExpected(session: Session): boolean;
}

/** The nodes of a home and their leases. A lease is renewed by anything that is heard from its node. */
export class Sessions {
  readonly leaseMicros: number;
  readonly #counters: HomeCounters;
  readonly #files: SessionFiles;
  readonly #events: SessionEvents;
  readonly #byNode = new Map<NodeId, Session>();
  readonly #byId = new Map<string, Session>();
  #lastNode: NodeId = 0;

  constructor(leaseMillis: number, counters: HomeCounters, files: SessionFiles, events: SessionEvents) {
    this.leaseMicros = leaseMillis * 1000;
    this.#counters = counters;
    this.#events = events;
    this.#files = files;
  }

  get count(): number {
    return this.#byNode.size;
  }

  all(): IterableIterator<Session> {
    return this.#byNode.values();
  }

  find(node: NodeId): Session | undefined {
    return this.#byNode.get(node);
  }

  byId(session: string): Session | undefined {
    return this.#byId.get(session);
  }

  /** Where a node is reached; undefined while its connection is lost: then its lease decides. */
  connectionOf(node: NodeId): Connection | undefined {
    return this.#byNode.get(node)?.connection;
  }

  /** A node is back within its lease: its session goes on over the new connection. Undefined when there is none. */
  resume(connection: Connection, former: string | undefined, nowMicros: number): Session | undefined {
    const session = former === undefined ? undefined : this.#byId.get(former);
    if (session === undefined || session.lease.isCondemned) return undefined;
    const { connection: old } = session;
    if (old !== undefined) {
      // The node knows that it is lost before we do.
      old.session = undefined;
      old.end("DMMAP_CLOSED", "the node has connected anew", nowMicros);
      this.#disconnect(session);
    }
    session.connection = connection;
    session.address = connection.address;
    connection.sender.nodeCounters = session.counters;
    session.lease.heard(nowMicros);
    // What it was asked over a connection that was lost without our notice, it is asked again: it has a lease to answer. Not if
    // it has broken the protocol: who does that each time would never owe an answer.
    if (!session.wasRefused) session.lease.forgetQuestions();
    session.wasRefused = false;
    session.refused.clear();
    session.claimedLocks.clear();
    session.isBack = false;
    return session;
  }

  /** Begins a session, or goes on with one that a home before this one knew, under its old id. */
  begin(connection: Connection, name: string, id: string = randomBytes(16).toString("hex")): Session {
    const session = new Session(id, ++this.#lastNode, name, connection);
    this.#byNode.set(session.node, session);
    this.#byId.set(session.id, session);
    this.#counters.sessions++;
    return session;
  }

  /** The connection is gone without a goodbye: the session lives on for its lease. */
  lost(session: Session, nowMicros: number): void {
    session.connection = undefined;
    session.lease.heard(nowMicros);
    this.#disconnect(session);
  }

  #disconnect(session: Session): void {
    for (const file of session.files.values()) this.#files.disconnected(file, session.node);
    this.#events.onDisconnected(session);
  }

  /** The node left by its own will, or is fenced: everything it held is free. */
  end(session: Session): void {
    this.#byNode.delete(session.node);
    this.#byId.delete(session.id);
    session.connection = undefined;
    for (const file of session.files.values()) this.#files.leave(file, session);
    session.files.clear();
    this.#events.onEnd(session);
  }

  fence(session: Session, reason: string, nowMicros: number): void {
    const { node, name, connection } = session;
    const files = [...session.files.values()].map((file) => writtenRanges(file, node));
    this.#counters.fenced++;
    this.end(session);
    connection?.end("DMMAP_FENCED", `fenced: ${reason}`, nowMicros);
    this.#events.onFenced({ node, name, reason, files: files.filter(({ ranges }) => ranges.length > 0) });
  }

  /** Fences who has not been heard from for a lease. A node that this home does not read from has no chance to be heard. */
  expire(nowMicros: number): void {
    for (const session of [...this.#byNode.values()]) {
      const { connection } = session;
      if (connection?.isBlocked === true) reassure(session, connection, nowMicros);
      else session.lease.heard(connection?.lastHeardMicros ?? 0);
      const lease = `${Math.round(this.leaseMicros / 1000) / 1000} s`;
      if (session.lease.isSilent(this.leaseMicros, nowMicros)) {
        const what =
          connection === undefined ? "its connection was lost, and its lease ran out after" : "it was silent for";
        const reason = session.condemnedFor || `${what} ${lease}`;
        if (this.#events.strike(session)) this.fence(session, reason, nowMicros);
        else if (!session.lease.isCondemned) this.#condemn(session, reason, nowMicros, session.lease.heardMicros);
      } else if (this.#owesAnswer(session, nowMicros)) {
        this.#condemn(session, `it was asked to give way and did not answer for ${lease}`, nowMicros);
      } else if (this.#owesClaims(session, nowMicros)) {
        this.#condemn(session, `it came back and did not say for ${lease} what it holds`, nowMicros);
      }
    }
  }

  /** It may act on what it holds until its lease is over, and it is told that this one will not be renewed. */
  #condemn(session: Session, reason: string, nowMicros: number, heardMicros = nowMicros): void {
    const { connection } = session;
    session.condemnedFor = reason;
    session.lease.condemn(heardMicros);
    if (connection === undefined) return;
    session.connection = undefined;
    this.#disconnect(session);
    connection.session = undefined;
    connection.end("DMMAP_FENCED", `fenced: ${reason}`, nowMicros);
  }

  /**
   * Whether a node has left a revoke, or a new size, unanswered for a lease, without saying that it knows. A node that this
   * home does not read from has no chance to answer; one that it has cut off had it.
   */
  #owesAnswer(session: Session, nowMicros: number): boolean {
    const { lease, connection } = session;
    if (!session.wasRefused && (connection === undefined || connection.isPaused)) {
      lease.forgetQuestions();
      return false;
    }
    const { node } = session;
    const isOverdue = (about: object, question: object | undefined) =>
      (question !== undefined || lease.hasQuestions) && lease.isOverdue(about, question, this.leaseMicros, nowMicros);
    if (isOverdue(this, this.#events.unanswered(session))) return true;
    // Each of hundreds of nodes may have a thousand files open: nothing is made or looked up for one of which nothing is asked.
    for (const file of session.files.values()) {
      const { directory, delegation, growth } = file;
      if (isOverdue(file, directory.unanswered(node))) return true;
      if (isOverdue(delegation, delegation.unanswered(node))) return true;
      if (isOverdue(growth, growth.unanswered(node))) return true;
    }
    return false;
  }

  /** Whether a node that all others wait for has said nothing of what it holds for a lease. */
  #owesClaims(session: Session, nowMicros: number): boolean {
    const { lease, claims, connection } = session;
    if (connection === undefined || connection.isPaused) return false;
    const question = this.#events.isExpected(session) ? claims : undefined;
    return lease.isOverdue(session, question, this.leaseMicros, nowMicros, false);
  }
}

/** The disk is full and a node waits to be read: it keeps its lease, and has to know. */
function reassure(session: Session, connection: Connection, nowMicros: number): void {
  session.lease.heard(nowMicros);
  connection.lastHeardMicros = nowMicros;
  if (!connection.wantsToSend) connection.push(connection.frame.reset(FrameType.pong));
}

function writtenRanges(file: OpenFile, node: NodeId): { name: string; ranges: [number, number][] } {
  const ranges: [number, number][] = [];
  const end = pageEndAt(file.file.sizeBytes);
  for (const segment of file.directory.segments()) {
    if (segment.node !== node || segment.mode !== Mode.write || segment.start >= end) continue;
    if (ranges.length < rangesMax) ranges.push([segment.start, Math.min(segment.end, end)]);
  }
  return { name: file.name, ranges };
}
