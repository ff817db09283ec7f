import { type ByteOffset, type Epoch, firstPageChanged, type NodeId, type PageIndex } from "../units.js";
import { type DirectoryPort, noRequest } from "./directory-port.js";

const nobody: NodeId = -1;
/** In the place of a new size. */
const currentSize: ByteOffset = -1;

interface Resize {
  readonly node: NodeId;
  readonly request: number;
  readonly sizeBytes: ByteOffset;
  /** Whether it only ever makes the file longer. */
  readonly onlyGrows: boolean;
}

interface ActiveResize extends Omit<Resize, "onlyGrows"> {
  readonly epoch: Epoch;
  readonly firstPage: PageIndex;
  readonly isGrowth: boolean;
  readonly unanswered: Set<NodeId>;
  /** Whether who asked for it has been answered. */
  isTold: boolean;
}

/**
 * Changes of a file's size, one at a time. The store changes first; every node that has the file open then hears of it,
 * and until all have answered nobody is granted a page that the change touches. So a page is never beyond the end for
 * one node and inside the file for another that writes it (R5, R6).
 *
 * Who makes the file longer is not waited for before it is answered itself: it hears of the change right before the answer. Who
 * cuts it is, since until it has heard it may store to what is cut off.
 */
export class ResizeQueue {
  readonly #port: DirectoryPort;
  readonly #waiting: Resize[] = [];
  #active: ActiveResize | undefined;
  #sizeBytes: ByteOffset;

  constructor(port: DirectoryPort, sizeBytes: ByteOffset) {
    this.#port = port;
    this.#sizeBytes = sizeBytes;
  }

  get sizeBytes(): ByteOffset {
    return this.#sizeBytes;
  }

  /** Grants reach up to here and no further. Infinity when no change is under way. */
  get firstUnsettledPage(): PageIndex {
    return this.#active?.firstPage ?? Number.POSITIVE_INFINITY;
  }

  /** Whether changes of size wait for others. */
  get hasWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** A node has made the file longer, and lives by that already. @returns what the store has against it */
  grow(sizeBytes: ByteOffset): unknown {
    if (sizeBytes <= this.#sizeBytes) return undefined;
    const error = this.#apply(sizeBytes);
    if (error === undefined) this.#sizeBytes = sizeBytes;
    return error;
  }

  /** Every node is told of the size that there is by then, whoever may live by another. */
  announce(): void {
    if (this.#waiting.at(-1)?.sizeBytes !== currentSize) this.push(nobody, noRequest, currentSize);
  }

  push(node: NodeId, request: number, sizeBytes: ByteOffset, onlyGrows = false): void {
    this.#waiting.push({ node, request, sizeBytes, onlyGrows });
  }

  /** Begins the next change when none is under way. A size that the store refuses leaves everything as it was. */
  start(nodes: readonly NodeId[], nextEpoch: () => Epoch): void {
    while (this.#active === undefined) {
      const first = this.#waiting.shift();
      if (first === undefined) return;
      const { node: asker, request, onlyGrows } = first;
      const isAnnouncement = first.sizeBytes === currentSize;
      const sizeBytes = isAnnouncement ? this.#sizeBytes : first.sizeBytes;
      if (onlyGrows && sizeBytes <= this.#sizeBytes) {
        this.#port.truncated(asker, request, undefined);
        continue;
      }
      const error = isAnnouncement ? undefined : this.#apply(sizeBytes);
      if (error !== undefined) {
        this.#port.truncated(asker, request, error);
        continue;
      }
      const firstPage = firstPageChanged(this.#sizeBytes, sizeBytes);
      const isGrowth = sizeBytes >= this.#sizeBytes;
      this.#sizeBytes = sizeBytes;
      const [epoch, unanswered] = [nextEpoch(), new Set(nodes)];
      this.#active = { node: asker, request, sizeBytes, epoch, firstPage, isGrowth, unanswered, isTold: false };
      for (const node of nodes) this.#port.resize(node, sizeBytes, epoch);
      this.#finish();
    }
  }

  /** @returns whether that ended a change, so that the next may start. */
  answered(node: NodeId, epoch: Epoch): boolean {
    if (this.#active?.epoch !== epoch) return false; // An answer to a change that ended without this node.
    this.#active.unanswered.delete(node);
    return this.#finish();
  }

  /**
   * The node is back after a lost connection: it may not have heard of the change, or its answer is lost. It is asked
   * again, rather than taken to live by the new size, since until it has heard it may store to what is cut off. The size is
   * that of now: it may have made the file longer since.
   */
  remind(node: NodeId): void {
    const active = this.#active;
    if (active?.unanswered.has(node)) this.#port.resize(node, this.#sizeBytes, active.epoch);
  }

  /** The node is gone: nobody waits for it, and its own changes that have not begun are dropped. */
  left(node: NodeId): boolean {
    for (let index = this.#waiting.length - 1; index >= 0; index--) {
      if (this.#waiting[index].node === node) this.#waiting.splice(index, 1);
    }
    this.#active?.unanswered.delete(node);
    return this.#finish();
  }

  /** The change that this node has not answered. */
  unanswered(node: NodeId): object | undefined {
    return this.#active?.unanswered.has(node) ? this.#active : undefined;
  }

  describe(): string {
    const active = this.#active;
    const now = active === undefined ? "" : ` @${active.epoch} waits for ${[...active.unanswered].join(", ")}`;
    const next = this.#waiting.map(({ node, request, sizeBytes }) => `, node ${node} #${request} ${sizeBytes}`);
    return `size ${this.#sizeBytes}${now}${next.join("")}`;
  }

  #finish(): boolean {
    const active = this.#active;
    if (active === undefined) return false;
    const { node, request, unanswered, isGrowth } = active;
    const othersCount = unanswered.size - (unanswered.has(node) && isGrowth ? 1 : 0);
    if (othersCount === 0 && !active.isTold) {
      active.isTold = true;
      this.#port.truncated(node, request, undefined);
    }
    if (unanswered.size > 0) return false;
    this.#active = undefined;
    return true;
  }

  #apply(sizeBytes: ByteOffset): unknown {
    try {
      this.#port.setSize(sizeBytes);
      return undefined;
    } catch (error) {
      return error ?? new Error("the store refused the size");
    }
  }
}
