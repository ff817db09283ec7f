import type { NodeId } from "../core/units.js";
import type { Connection } from "./connection.js";
import type { OpenFile } from "./open-file.js";

export interface Question {
  readonly question: object;
  readonly sinceMicros: number;
  looks: number;
}

/** A node as its home knows it: outlives a lost connection for the length of its lease. */
export class Session {
  /** Unguessable: who names it may end it. */
  readonly id: string;
  readonly node: NodeId;
  readonly name: string;
  address: string;
  readonly files = new Map<number, OpenFile>();
  connection: Connection | undefined;
  lastHeardMicros: number;
  /** Back after a lost connection or a restart, and not done with its claims: those of each file that were refused. */
  readonly refused = new Map<number, [number, number][]>();
  /** What it has been asked, by file, and has not answered; and when it last said that it knows, and cannot yet. */
  readonly questions = new Map<OpenFile, Question>();
  deferredMicros = 0;
  /** The home has restarted, and takes this session's word for what it holds. */
  isRecovering = false;

  constructor(id: string, node: NodeId, name: string, connection: Connection) {
    this.id = id;
    this.node = node;
    this.name = name;
    this.address = connection.address;
    this.connection = connection;
    this.lastHeardMicros = connection.lastHeardMicros;
  }
}
