import { DmmapError } from "../core/error.js";
import type { Policy } from "../core/units.js";
import type { FileStat } from "../core/wire/control.js";
import type { PagerThread } from "../mapping/pager-thread.js";
import { checkChoice, checkOffset } from "./arguments.js";
import { FileMap, type MapOptions } from "./file-map.js";
import { Lock } from "./lock.js";
import { type OpenedFile, type OpeningRef, type PinArgs, pieceBytes } from "./node-commands.js";
import { checkPatience, type Patience, shared, within } from "./patience.js";
import { askPatiently, callPatiently, nextNumber } from "./patient-calls.js";
import type { Volume } from "./volume.js";

export interface LockOptions extends Patience {
  /** False: fail with DMMAP_BUSY rather than wait in line. Default true. */
  readonly wait?: boolean;
}

/** One file of a volume, open on this node. */
export class File implements AsyncDisposable {
  readonly name: string;
  readonly policy: Policy;
  /** Whether this `open` made it. */
  readonly created: boolean;
  readonly #thread: PagerThread;
  readonly #volume: Volume;
  readonly #id: number;
  readonly #opening: number;
  readonly #onClosed: () => void;
  readonly #maps = new Set<FileMap>();
  #size: number;
  #closing: Promise<void> | undefined;
  #closeCall: Promise<unknown> | undefined;

  /** Use `volume.open`. */
  constructor(thread: PagerThread, volume: Volume, name: string, opened: OpenedFile, onClosed: () => void) {
    this.#thread = thread;
    this.#volume = volume;
    this.name = name;
    this.#id = opened.id;
    this.#opening = opened.opening;
    this.policy = opened.policy;
    this.created = opened.created;
    this.#size = opened.size;
    this.#onClosed = onClosed;
  }

  /** Bytes, as last heard: every change of it reaches this node before it is complete. */
  get size(): number {
    return this.#size;
  }

  /**
   * Maps a range of the file into memory. Takes no data and no token: touching does (R11).
   *
   * @throws RangeError when the range does not lie in the file, does not begin on a page, or is too long for one
   *   ArrayBuffer (map a longer file by windows).
   */
  async map(options: MapOptions = {}): Promise<FileMap> {
    this.#assertOpen();
    const map = await FileMap.open(this.#thread, this, this.#id, options, () => this.#onMapClosed(map));
    if (this.#closing === undefined) {
      this.#maps.add(map);
      return map;
    }
    await map.close(); // It would be of nothing.
    throw this.#closedError();
  }

  /**
   * Reads bytes, coherently with every map on every node. Shorter than asked where the file ends.
   *
   * @param target a length, or the array to fill
   */
  async read(offset: number, target: number | Uint8Array, options: Patience = {}): Promise<Uint8Array> {
    this.#assertOpen();
    checkOffset(offset, "offset");
    const length = typeof target === "number" ? checkOffset(target, "length") : target.byteLength;
    const wanted = Math.max(0, Math.min(length, this.#size - offset));
    const bytes = typeof target === "number" ? new Uint8Array(wanted) : target;
    const patience = shared(options);
    let done = 0;
    while (done < wanted) {
      const count = Math.min(wanted - done, pieceBytes);
      const got = (await this.#pinned("read", { offset: offset + done, length: count }, patience)) as Uint8Array;
      if (got.byteLength === 0) break; // Cut shorter meanwhile.
      bytes.set(got, done);
      done += got.byteLength;
    }
    return bytes.subarray(0, done);
  }

  /**
   * Writes bytes inside the file, coherently with every map on every node: it resolves when every other node has given
   * the pages up and would see them. `sync` makes them durable. Each piece of up to 1 MiB is one step for others.
   *
   * @throws DMMAP_BAD_RANGE beyond the end: `truncate` first.
   */
  async write(offset: number, bytes: Uint8Array, options: Patience = {}): Promise<void> {
    this.#assertOpen();
    checkOffset(offset, "offset");
    if (!(bytes instanceof Uint8Array)) throw new TypeError("write takes the bytes as a Uint8Array");
    const patience = shared(options);
    for (let done = 0; done < bytes.byteLength; done += pieceBytes) {
      const part = bytes.slice(done, done + pieceBytes);
      await this.#pinned("write", { offset: offset + done, bytes: part }, patience);
    }
  }

  /** Resolves when all that this node stored is on the home's stable storage. */
  async sync(options: Patience = {}): Promise<void> {
    this.#assertOpen();
    const call = { what: `sync of ${this.name}`, method: "sync", args: this.#ref };
    await callPatiently(this.#thread, call, options);
  }

  /** Changes the size; resolves when it is in force on every node: this one's `resize` event comes before. */
  async truncate(size: number, options: Patience = {}): Promise<void> {
    this.#assertOpen();
    checkOffset(size, "size");
    const call = { what: `truncate of ${this.name}`, method: "truncate", args: { file: this.#id, size } };
    await askPatiently(this.#thread, call, options);
  }

  /**
   * Takes an advisory lock on bytes, across all nodes; `length` 0 means to the end, however far that goes. Maps and reads
   * do not look at it. It excludes other locks of this kind, two of one program too, and fcntl's on mounts; flock's it
   * does not know of.
   */
  async lock(
    start: number,
    length: number,
    mode: "shared" | "exclusive",
    { wait = true, ...options }: LockOptions = {},
  ): Promise<Lock> {
    this.#assertOpen();
    checkOffset(start, "start");
    checkOffset(length, "length");
    if (length > Number.MAX_SAFE_INTEGER - start) {
      throw new DmmapError("DMMAP_BAD_RANGE", "a lock ends before byte 2^53; length 0 reaches to the end");
    }
    checkChoice(mode, "mode", ["shared", "exclusive"]);
    checkPatience(options);
    const ticket = nextNumber();
    const request = this.#thread.call("lock", { file: this.#id, ticket, start, length, mode, wait });
    let givenUp = false;
    const work = request.then((reply) => {
      const { lock } = reply as { lock: number };
      // It was granted while the caller gave up: nobody else would ever release it.
      if (givenUp) void this.#unlock(lock).catch(() => undefined);
      return lock;
    });
    const lock = await within(`lock on ${this.name}`, options, work, () => {
      givenUp = true;
      this.#thread.abandon(request);
      this.#thread.post("cancel", { ticket });
    });
    return new Lock(mode, start, length, (patience) => this.#unlock(lock, patience));
  }

  async stat(options: Patience = {}): Promise<FileStat> {
    this.#assertOpen();
    return await this.#volume.stat(this.name, options);
  }

  /** Closes its maps, sends what is dirty and gives its tokens back. Who gives up on it does not keep it from that. */
  async close(options: Patience = {}): Promise<void> {
    checkPatience(options);
    this.#closing ??= this.#close();
    await within(`close of ${this.name}`, options, this.#closing, () => {
      if (this.#closeCall !== undefined) this.#thread.abandon(this.#closeCall);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** For the volume: something happened to this file. */
  onPagerEvent(event: string, value: unknown): void {
    if (event === "resize") this.#size = (value as { size: number }).size;
    for (const map of [...this.#maps]) map.onPagerEvent(event, value);
  }

  /** For maps: holds and prefetches. */
  async pin(args: Omit<PinArgs, "file" | "pin">, what: string, options: Patience): Promise<() => void> {
    this.#assertOpen();
    const pin = nextNumber();
    const drop = () => this.#thread.post("unpin", { file: this.#id, pin });
    const call = { what, method: "pin", args: { file: this.#id, pin, ...args }, onGiveUp: drop };
    await callPatiently(this.#thread, call, options);
    return drop;
  }

  /** For maps: tells the pager whether anybody here hears of stalls, or standard error must. */
  onListenersChanged(): void {
    const on = [...this.#maps].some((map) => map.listenerCount("stall") > 0);
    this.#thread.post("listen", { file: this.#id, on });
  }

  get #ref(): OpeningRef {
    return { file: this.#id, opening: this.#opening };
  }

  #onMapClosed(map: FileMap): void {
    this.#maps.delete(map);
  }

  async #close(): Promise<void> {
    for (const map of [...this.#maps]) await map.close();
    this.#onClosed();
    this.#closeCall = this.#thread.call("close", this.#ref);
    await this.#closeCall;
  }

  async #unlock(lock: number, options: Patience = {}): Promise<void> {
    const call = { what: `unlock of ${this.name}`, method: "unlock", args: { file: this.#id, lock } };
    await callPatiently(this.#thread, call, options);
  }

  async #pinned(method: "read" | "write", args: object, options: Patience): Promise<unknown> {
    const pin = nextNumber();
    const drop = () => this.#thread.post("unpin", { file: this.#id, pin });
    const call = { what: `${method} of ${this.name}`, method, args: { file: this.#id, pin, ...args }, onGiveUp: drop };
    return await callPatiently(this.#thread, call, options);
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw this.#closedError();
  }

  #closedError(): DmmapError {
    return new DmmapError("DMMAP_CLOSED", `${this.name} has been closed`);
  }
}
