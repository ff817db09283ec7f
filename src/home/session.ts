import { SessionLease } from "../core/home/session-lease.js";
import type { NodeId } from "../core/units.js";
import type { LockRequest } from "../core/wire/tree-requests.js";
import { newHomeNodeCounters } from "../observe/status.js";
import type { Connection } from "./connection.js";
import type { OpenFile } from "./open-file.js";
import { Outcomes } from "./outcomes.js";

/** A node as its home knows it: outlives a lost connection for the length of its lease. */
export class Session {
  /** Unguessable: who names it may end it. */
  readonly id: string;
  readonly node: NodeId;
  readonly name: string;
  address: string;
  readonly files = new Map<number, OpenFile>();
  connection: Connection | undefined;
  /** Why it is not heard any more, once its lease is condemned. */
  condemnedFor = "";
  readonly lease: SessionLease;
  /** Back after a lost connection or a restart, and not done with its claims: those of each file that were refused. */
  readonly refused = new Map<number, [number, number][]>();
  /** What it has said so far of the locks that it holds, of each file: void with its connection. */
  readonly claimedLocks = new Map<number, LockRequest[]>();
  /** Of the changes of names that it asked for. */
  readonly outcomes = new Outcomes();
  /** Its node had a session before, of which this home remembers no outcomes. */
  hasForgotten = false;
  /** The home has restarted, and takes this session's word for what it holds. */
  isRecovering = false;
  /** While it is expected to say what it holds, the question that it owes an answer to: another one with each that comes. */
  claims: object = {};
  /** There is nothing left that it may claim: it has lost no connection, or is back and has said so after all its claims. */
  isBack = true;
  /** This home has ended its last connection, for a breach of the protocol, and it is not back yet. */
  wasRefused = false;
  /** It has been told something on a lease. */
  hasLeases = false;
  readonly counters = newHomeNodeCounters();

  constructor(id: string, node: NodeId, name: string, connection: Connection) {
    this.id = id;
    this.node = node;
    this.name = name;
    this.address = connection.address;
    this.connection = connection;
    connection.sender.nodeCounters = this.counters;
    this.lease = new SessionLease(connection.lastHeardMicros);
  }
}
