import { DmmapError } from "../core/error.js";
import type { Policy } from "../core/units.js";
import type { FileStat } from "../core/wire/control.js";
import type { PagerThread } from "../mapping/pager-thread.js";
import { checkChoice, checkOffset } from "./arguments.js";
import { FileMap, type MapOptions } from "./file-map.js";
import { Lock } from "./lock.js";
import { type OpenedFile, type PinArgs, pieceBytes } from "./node-commands.js";
import { type Patience, within } from "./patience.js";
import type { Volume } from "./volume.js";

export interface LockOptions extends Patience {
  /** False: fail with DMMAP_BUSY rather than wait in line. Default true. */
  readonly wait?: boolean;
}

let numberLast = 0;
/** For pins and tickets: unique in this thread's volumes. */
function nextNumber(): number {
  return ++numberLast;
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
  readonly #onClosed: () => void;
  readonly #maps = new Set<FileMap>();
  #size: number;
  #closing: Promise<void> | undefined;

  /** Use `volume.open`. */
  constructor(thread: PagerThread, volume: Volume, name: string, opened: OpenedFile, onClosed: () => void) {
    this.#thread = thread;
    this.#volume = volume;
    this.name = name;
    this.#id = opened.id;
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
    this.#maps.add(map);
    return map;
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
    let done = 0;
    while (done < wanted) {
      const count = Math.min(wanted - done, pieceBytes);
      const got = (await this.#pinned("read", { offset: offset + done, length: count }, options)) as Uint8Array;
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
    for (let done = 0; done < bytes.byteLength; done += pieceBytes) {
      const part = bytes.slice(done, done + pieceBytes);
      await this.#pinned("write", { offset: offset + done, bytes: part }, options);
    }
  }

  /** Resolves when all that this node stored is on the home's stable storage. */
  async sync(options: Patience = {}): Promise<void> {
    this.#assertOpen();
    await within(`sync of ${this.name}`, options, this.#thread.call("sync", { file: this.#id }));
  }

  /** Changes the size; resolves when it is in force on every node. */
  async truncate(size: number, options: Patience = {}): Promise<void> {
    this.#assertOpen();
    checkOffset(size, "size");
    await within(`truncate of ${this.name}`, options, this.#request("truncate", { size }));
    this.#size = size;
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
      this.#thread.post("cancel", { ticket });
    });
    return new Lock(mode, start, length, () => this.#unlock(lock));
  }

  async stat(): Promise<FileStat> {
    this.#assertOpen();
    return await this.#volume.stat(this.name);
  }

  /** Closes its maps, sends what is dirty and gives its tokens back. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
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
    await within(what, options, this.#thread.call("pin", { file: this.#id, pin, ...args }), drop);
    return drop;
  }

  /** For maps: tells the pager whether anybody here hears of stalls, or standard error must. */
  onListenersChanged(): void {
    const on = [...this.#maps].some((map) => map.listenerCount("stall") > 0);
    this.#thread.post("listen", { file: this.#id, on });
  }

  #onMapClosed(map: FileMap): void {
    this.#maps.delete(map);
  }

  async #close(): Promise<void> {
    for (const map of [...this.#maps]) await map.close();
    this.#onClosed();
    await this.#thread.call("close", { file: this.#id });
  }

  async #unlock(lock: number): Promise<void> {
    await this.#thread.call("unlock", { file: this.#id, lock });
  }

  async #pinned(method: "read" | "write", args: object, options: Patience): Promise<unknown> {
    const pin = nextNumber();
    const work = this.#thread.call(method, { file: this.#id, pin, ...args });
    const drop = () => this.#thread.post("unpin", { file: this.#id, pin });
    return await within(`${method} of ${this.name}`, options, work, drop);
  }

  #request(op: string, args: object): Promise<unknown> {
    return this.#thread.call("request", { op, args, file: this.#id });
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw new DmmapError("DMMAP_CLOSED", `${this.name} has been closed`);
  }
}
