import { DmmapError } from "../core/error.js";
import { Delegation } from "../core/home/delegation.js";
import { type DirectoryPort, noRequest } from "../core/home/directory-port.js";
import { Duties, type StableDuties } from "../core/home/duties.js";
import { FileDirectory } from "../core/home/file-directory.js";
import type { LockWaits } from "../core/home/lock-waits.js";
import { type OnRangeLocked, RangeLocks } from "../core/home/range-locks.js";
import { type ByteOffset, type Epoch, Mode, type NodeId, type PageIndex, pageEndAt } from "../core/units.js";
import type { Resized } from "../core/wire/control.js";
import { FrameFlag, FrameType } from "../core/wire/frame.js";
import type { WantedPages } from "../core/wire/lock-frame.js";
import type { LockRequest } from "../core/wire/tree-requests.js";
import type { HomeCounters } from "../observe/status.js";
import type { StoreFile } from "../store/store.js";
import type { Connection } from "./connection.js";
import type { FileTimes } from "./file-times.js";
import type { GrowingFiles } from "./growing-files.js";

/** So many locks in a row are a node's that nobody shares them with, before it decides about them by itself. */
const locksAloneMin = 8;
/** A node that makes a file longer, and is alone with it, mostly goes on with that. */
const growthAloneMin = 1;

/** What an open file needs of its home. */
export interface OpenFileHome {
  readonly counters: HomeCounters;
  connectionOf(node: NodeId): Connection | undefined;
  /** Something was queued for this connection: it wants to be flushed. */
  touched(connection: Connection): void;
}

export interface OpenFileOptions {
  /** The home has restarted, and who holds what of this file is being heard. */
  readonly recovering: boolean;
  readonly stable: StableDuties;
  readonly times: FileTimes;
  /** Of all files of this home. */
  readonly lockWaits: LockWaits;
  readonly growing: GrowingFiles;
}

/**
 * A file that nodes have open: its directory, its locks, and the shell that carries out what the directory decides.
 *
 * What is told to a node without a connection is told to nobody: its lease ends that, by fencing it.
 */
export class OpenFile implements DirectoryPort {
  readonly number: number;
  readonly file: StoreFile;
  readonly directory: FileDirectory;
  readonly duties: Duties;
  readonly times: FileTimes;
  /** The nodes that may change its size and times without asking. */
  readonly writers = new Set<NodeId>();
  /** Of those, the ones whose programs may be writing it just now. */
  readonly #writing = new Set<NodeId>();
  readonly locks: Record<LockRequest["kind"], RangeLocks>;
  /** Of its locks. */
  readonly delegation = new Delegation((node) => this.#recall(node, FrameType.recallLocks), locksAloneMin);
  /** Of making it longer. */
  readonly growth: Delegation;
  name: string;
  readonly #home: OpenFileHome;
  /** Counts how often it was left to a node. */
  #growthEpoch: Epoch = 0;

  constructor(home: OpenFileHome, number: number, name: string, file: StoreFile, options: OpenFileOptions) {
    this.#home = home;
    this.number = number;
    this.name = name;
    this.file = file;
    const { recovering, stable } = options;
    this.growth = new Delegation(
      (node) => this.#recall(node, FrameType.recallGrowth),
      growthAloneMin,
      (node, isLeft) => options.growing.changed(this, node, isLeft),
    );
    this.times = options.times;
    this.directory = new FileDirectory(this, { policy: file.policy, sizeBytes: file.sizeBytes, recovering });
    this.duties = new Duties(stable, recovering);
    const onLocked: OnRangeLocked = (node, request, pages) => this.locked(node, request, pages);
    this.locks = {
      posix: new RangeLocks(options.lockWaits, onLocked),
      flock: new RangeLocks(options.lockWaits, onLocked),
    };
  }

  /** The node has its lock, or has ended it. The pages that it will want go ahead of the news. */
  locked(node: NodeId, request: number, pages: readonly WantedPages[], isDelegated = false): void {
    const connection = this.#home.connectionOf(node);
    if (connection === undefined) return;
    for (const wanted of pages) this.directory.offer(node, wanted);
    const frame = connection.frame.reset(FrameType.locked);
    frame.request = request;
    frame.flags = isDelegated ? FrameFlag.delegated : 0;
    connection.push(frame);
    this.#home.touched(connection);
  }

  /** Whether nobody but this node has a lock on the file, or waits for one. */
  isAlone(node: NodeId): boolean {
    return Object.values(this.locks).every(
      ({ held, waitingCount }) => waitingCount === 0 && held.every((lock) => lock.node === node),
    );
  }

  /** Programs of the node may change it from now on. @returns whether another node's may, too */
  beginWriting(node: NodeId): boolean {
    this.writers.add(node);
    this.#writing.add(node);
    return this.#writing.size > 1;
  }

  /** None does any more. */
  endWriting(node: NodeId): void {
    this.#writing.delete(node);
  }

  /** The node is a mount that has it open for writing: it tells times by itself, and may be left to make the file longer. */
  tellsTimes(node: NodeId): void {
    this.times.tellers.add(node);
    this.growth.mayDecide(node);
  }

  /** The node wants another size: by that alone it leaves the decision to the home. */
  asksForSize(node: NodeId): void {
    this.growth.ended(node);
    this.growth.mayDecide(node);
  }

  /** @returns whether the node, which is being answered, may make the file longer by itself from then on */
  leaveGrowthTo(node: NodeId): boolean {
    if (!this.times.tellers.has(node)) return false;
    if (!this.growth.granted(node, () => this.directory.mayLeaveSizeTo(node))) return false;
    this.#growthEpoch++;
    return true;
  }

  /** The node leaves it to the home to make the file longer, as it was asked to; of its own accord: `epoch` 0. */
  growthEnded(node: NodeId, epoch: Epoch): void {
    if (epoch === 0 || epoch === this.#growthEpoch) this.growth.ended(node); // Else it was left to it anew meanwhile.
  }

  #recall(node: NodeId, type: typeof FrameType.recallLocks | typeof FrameType.recallGrowth): void {
    const connection = this.#home.connectionOf(node);
    if (connection === undefined) return; // It says all when it is back.
    const frame = connection.frame.reset(type);
    frame.file = this.number;
    if (type === FrameType.recallGrowth) frame.epoch = this.#growthEpoch;
    connection.push(frame);
    this.#home.touched(connection);
  }

  endRecovery(): void {
    this.duties.endRecovery();
    this.directory.endRecovery();
  }

  isUnstable(start: PageIndex, end: PageIndex): boolean {
    return this.duties.isUnstable(start, end);
  }

  /** Takes a node out, with all it holds. */
  leave(node: NodeId): void {
    this.#home.connectionOf(node)?.sender.cut(this, 0, Number.POSITIVE_INFINITY);
    for (const table of Object.values(this.locks)) table.releaseNode(node);
    this.delegation.ended(node);
    this.growth.ended(node);
    this.times.tellers.delete(node);
    this.writers.delete(node);
    this.#writing.delete(node);
    this.directory.close(node);
  }

  grant(
    node: NodeId,
    request: number,
    mode: Mode,
    start: PageIndex,
    end: PageIndex,
    epoch: Epoch,
    dataStart: PageIndex,
    dataEnd: PageIndex,
    windowEnd: PageIndex,
  ): void {
    const { counters } = this.#home;
    counters.grants++;
    if (dataEnd === dataStart) counters.upgrades++;
    const connection = this.#home.connectionOf(node);
    if (connection === undefined) return;
    const frame = connection.frame.reset(FrameType.grant);
    frame.file = this.number;
    frame.request = request;
    frame.mode = mode;
    frame.start = start;
    frame.end = end;
    frame.epoch = epoch;
    // Where the data of this answer ends: the node must not ask for what is on its way.
    frame.extra = Math.max(dataStart, Math.min(Math.max(dataEnd, windowEnd), pageEndAt(this.file.sizeBytes)));
    this.sendPages(connection, frame, dataStart, dataEnd, frame.extra);
  }

  /** Sends `frame` with pages of this file, clipped to its size. */
  sendPages(
    connection: Connection,
    frame: Connection["frame"],
    start: PageIndex,
    firstEnd: PageIndex,
    end: PageIndex,
  ): void {
    const last = Math.max(start, Math.min(end, pageEndAt(this.file.sizeBytes)));
    connection.sender.send(frame, this, start, Math.min(firstEnd, last), last);
    this.#home.touched(connection);
  }

  revoke(
    node: NodeId,
    mode: Mode,
    start: PageIndex,
    end: PageIndex,
    epoch: Epoch,
    wantStart: PageIndex,
    wantEnd: PageIndex,
  ): void {
    this.#home.counters.revokes++;
    const connection = this.#home.connectionOf(node);
    if (connection === undefined) return;
    connection.sender.nodeCounters.revokes++;
    if (mode === Mode.none) connection.sender.cut(this, start, end);
    const frame = connection.frame.reset(FrameType.revoke);
    frame.file = this.number;
    frame.mode = mode;
    frame.start = start;
    frame.end = end;
    frame.epoch = epoch;
    frame.dataStart = wantStart;
    frame.dataEnd = wantEnd;
    connection.push(frame);
    this.#home.touched(connection);
  }

  resize(node: NodeId, sizeBytes: ByteOffset, epoch: Epoch): void {
    const connection = this.#home.connectionOf(node);
    if (connection === undefined) return;
    const frame = connection.frame.reset(FrameType.resize);
    frame.file = this.number;
    frame.epoch = epoch;
    frame.extra = sizeBytes;
    connection.push(frame);
    this.#home.touched(connection);
  }

  setSize(sizeBytes: ByteOffset): void {
    this.file.setSize(sizeBytes);
    this.times.changed();
    this.#home.counters.resizes++;
  }

  truncated(node: NodeId, request: number, error: unknown): void {
    if (request === noRequest) return; // It has no answer: what became of it is said otherwise.
    if (error === undefined) {
      const size = this.file.sizeBytes;
      const answer: Resized = this.leaveGrowthTo(node) ? { size, growsHere: true } : { size };
      return this.#reply(node, request, answer);
    }
    this.#home.counters.requestsFailed++;
    const connection = this.#home.connectionOf(node);
    if (connection === undefined) return;
    connection.fail(request, sizeRefused(error));
    this.#home.touched(connection);
  }

  #reply(node: NodeId, request: number, body: object): void {
    const connection = this.#home.connectionOf(node);
    if (connection === undefined) return;
    connection.reply(FrameType.reply, request, body);
    this.#home.touched(connection);
  }
}

/** What a node is told that wanted a size that the store refused. */
export function sizeRefused(error: unknown): DmmapError {
  return error instanceof DmmapError ? error : new DmmapError("DMMAP_INTERNAL", "the store refused the size");
}
