import type { DmmapError } from "../core/error.js";
import {
  absenceKey,
  type LeaseKey,
  type LeasePort,
  LeaseTable,
  nameKey,
  privilegesKey,
} from "../core/home/lease-table.js";
import type { NodeId } from "../core/units.js";
import type { Attributes } from "../core/wire/attributes.js";
import { FrameType } from "../core/wire/frame.js";
import { type ChangeAnswer, Leased, type Recall } from "../core/wire/leases.js";
import type { HomeCounters } from "../observe/status.js";
import type { Connection } from "./connection.js";
import type { OpenFiles } from "./open-files.js";
import type { Session } from "./session.js";

/** Of one node, so that neither side needs much memory for what it may forget. */
const leasesMax = 65_536;
/** Listing a large folder takes no more than this share of them: what a program asks for by name matters more. */
const listingShare = 0.5;

/** What the leases of a home need of it. */
export interface LeasesHome {
  readonly counters: HomeCounters;
  readonly files: OpenFiles;
  connectionOf(node: NodeId): Connection | undefined;
  touched(connection: Connection): void;
  /** The session is about to have leases: a restart would have to wait for it. @returns why it may not */
  onFirst(session: Session): DmmapError | undefined;
}

/** Answers that nodes may go by until they are asked to forget them: gives leases out, and calls them back before changes. */
export class Leases implements LeasePort {
  readonly #home: LeasesHome;
  readonly #table: LeaseTable;

  constructor(home: LeasesHome) {
    this.#home = home;
    this.#table = new LeaseTable(this, leasesMax);
  }

  /** The node is about to be told these attributes. @returns a bit of `Leased`, or 0. */
  attributes(session: Session, { inode, links }: Attributes): number {
    // Nobody tells when what has no name is gone for good, and its number another thing's.
    if (links === 0) return 0;
    // Whoever has it open for writing changes its size and times without asking, and knows when.
    if (this.#home.files.isWrittenBesides(session.node, inode)) return 0;
    return this.#grant(session, inode) ? Leased.attributes : 0;
  }

  name(session: Session, parent: number, name: string): number {
    return this.#grant(session, nameKey(parent, name)) ? Leased.name : 0;
  }

  /** The name leads nowhere. */
  absent(session: Session, parent: number, name: string): number {
    return this.#grant(session, absenceKey(parent)) ? this.name(session, parent, name) : 0;
  }

  noPrivileges(session: Session, inode: number): number {
    return this.#grant(session, privilegesKey(inode)) ? Leased.noPrivileges : 0;
  }

  /** The node is about to go by a name, whatever it will be told. Throws where the next home would not know of it. */
  begin(session: Session): void {
    const refusal = this.#begin(session);
    if (refusal !== undefined) throw refusal;
  }

  /** The node, for which these have begun, goes by the name, whatever it was told. */
  insist(session: Session, parent: number, name: string): void {
    this.#table.insist(session.node, nameKey(parent, name));
  }

  /** An entry of a listing. */
  listed(session: Session, parent: number, name: string, attributes: Attributes): number {
    if (this.#table.room(session.node) < leasesMax * listingShare) return 0;
    return this.name(session, parent, name) + this.attributes(session, attributes);
  }

  /** As of `LeaseTable`. */
  change(session: Session, keysOf: () => readonly LeaseKey[], act: (keys: readonly LeaseKey[]) => void): void {
    this.#table.change(session.node, keysOf, act);
  }

  /** What a node that takes leases is told of a change of its own: what it knew of this has changed. */
  changed(
    session: Session,
    keys: readonly LeaseKey[],
    attributesOf: (inode: number) => Attributes | undefined,
  ): ChangeAnswer {
    this.#table.drop(session.node, keys);
    const fresh = keys.flatMap((key) => {
      const attributes = typeof key === "number" ? attributesOf(key) : undefined;
      return attributes !== undefined && this.attributes(session, attributes) !== 0 ? [attributes] : [];
    });
    return { changed: keys, fresh };
  }

  /** The node says that a recall is in force. */
  acknowledged(session: Session, recall: number): void {
    if (!this.#table.acknowledged(session.node, recall)) this.#home.counters.framesIgnored++; // Never asked, or void.
  }

  /** The node is back, and has dropped everything; or it has left, or is fenced. */
  forget(session: Session): void {
    this.#table.forget(session.node);
  }

  /** The node's connection is gone: what it asked for, it will ask again. */
  disconnected(session: Session): void {
    this.#table.cancel(session.node);
  }

  unanswered(node: NodeId): object | undefined {
    return this.#table.unanswered(node);
  }

  recall(node: NodeId, recall: number, keys: readonly LeaseKey[]): void {
    this.#home.counters.recalls++;
    const connection = this.#home.connectionOf(node);
    if (connection === undefined) return; // It drops everything when it is back, or is fenced.
    connection.sender.nodeCounters.recalls++;
    const body: Recall = { keys };
    connection.reply(FrameType.recall, recall, body);
    this.#home.touched(connection);
  }

  /** Without a lease the node asks each time: what cannot be put on record is no reason to tell it nothing. */
  #grant(session: Session, key: LeaseKey): boolean {
    return this.#begin(session) === undefined && this.#table.grant(session.node, key);
  }

  #begin(session: Session): DmmapError | undefined {
    if (session.hasLeases) return undefined;
    const refusal = this.#home.onFirst(session);
    session.hasLeases = refusal === undefined;
    return refusal;
  }
}
