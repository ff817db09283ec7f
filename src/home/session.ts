import type { NodeId } from "../core/units.js";
import type { Connection } from "./connection.js";
import type { OpenFile } from "./open-file.js";

/** A node as its home knows it: outlives a lost connection for the length of its lease. */
export class Session {
  /** Unguessable: who names it may end it. */
  readonly id: string;
  readonly node: NodeId;
  readonly name: string;
  readonly address: string;
  readonly files = new Map<number, OpenFile>();
  connection: Connection | undefined;
  lastHeardMicros: number;

  constructor(id: string, node: NodeId, name: string, connection: Connection) {
    this.id = id;
    this.node = node;
    this.name = name;
    this.address = connection.address;
    this.connection = connection;
    this.lastHeardMicros = connection.lastHeardMicros;
  }
}
