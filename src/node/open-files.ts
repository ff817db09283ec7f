import { DmmapError } from "../core/error.js";
import type { Policy } from "../core/units.js";
import type { NodeFile } from "./node-file.js";

/** A control request that the home answers with `Opened`. */
export interface OpenRequest {
  readonly op: string;
  readonly args: () => object;
  /** Names the request for who gives up on it. */
  readonly ticket?: number;
}

/** An open file, counted: a program that opens it twice has one cache of it. */
export interface OpenFile {
  readonly file: NodeFile;
  /** Names it on this node; stays the same when the session changes. */
  readonly id: number;
  readonly policy: Policy;
  /** Asks for it in a new session. */
  readonly again: OpenRequest;
  opens: number;
  /** See ClosingFiles. */
  isClosing: boolean;
  /** Whether programs of another node might have been writing it, too, when it was last opened for writing. */
  isShared: boolean;
  /** Whether the home, in the present session, could not open it again. */
  isGone: boolean;
  /** Why that is so, for people. */
  goneReason: string;
}

/** The files that this node has open, by its own number for each and by the home's. */
export class OpenFiles {
  readonly #byId = new Map<number, OpenFile>();
  readonly #byNumber = new Map<number, OpenFile>();
  #idLast = 0;

  nextId(): number {
    return ++this.#idLast;
  }

  add(open: OpenFile): void {
    this.#byId.set(open.id, open);
    this.#byNumber.set(open.file.frames.number, open);
  }

  delete(open: OpenFile): void {
    this.#byId.delete(open.id);
    this.forgetNumber(open);
  }

  /** The home's number for the file is void, or is about to change. */
  forgetNumber(open: OpenFile): void {
    if (this.#byNumber.get(open.file.frames.numberLast) === open) this.#byNumber.delete(open.file.frames.numberLast);
  }

  renumber(open: OpenFile, number: number): void {
    this.forgetNumber(open);
    this.#byNumber.set(number, open);
  }

  /** @throws DMMAP_CLOSED, also of one that is being closed */
  get(id: number): OpenFile {
    const open = this.#byId.get(id);
    if (open === undefined || open.isClosing) throw new DmmapError("DMMAP_CLOSED", "the file has been closed");
    return open;
  }

  find(id: number): OpenFile | undefined {
    return this.#byId.get(id);
  }

  byNumber(number: number): OpenFile | undefined {
    return this.#byNumber.get(number);
  }

  all(): IterableIterator<OpenFile> {
    return this.#byId.values();
  }
}
