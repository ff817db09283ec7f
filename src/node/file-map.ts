import { EventEmitter } from "node:events";
import { DmmapError } from "../core/error.js";
import { Mode, pageAt, pageBytes, pageEndAt } from "../core/units.js";
import type { View } from "../mapping/cache-view.js";
import type { PagerThread } from "../mapping/pager-thread.js";
import { assertViewLength, ViewBuffer, type ViewHandle } from "../mapping/view-buffer.js";
import { checkChoice, checkOffset } from "./arguments.js";
import type { File } from "./file.js";
import { Hold } from "./hold.js";
import type { NodeEvents, ViewArgs } from "./node-commands.js";
import type { Patience } from "./patience.js";

export interface MapOptions {
  /** Where the map begins, in bytes: a multiple of 4096. Default 0. */
  readonly offset?: number;
  /** In bytes. Default: to the end of the file. At most `buffer.constants.MAX_LENGTH` (4 GiB in Node 20). */
  readonly length?: number;
  /** "private" is MAP_PRIVATE: pages follow the file until they are stored to, then they are the map's own (R4). */
  readonly sharing?: "shared" | "private";
  /** "read": what is stored through the map stays in the map, as with "private". Default "readWrite". */
  readonly access?: "read" | "readWrite";
  /** What touching the map beyond the end of file does: zeros and stores that are dropped, or SIGBUS. Default "zeros". */
  readonly onBeyondEnd?: "zeros" | "sigbus";
}

interface MapEvents {
  /** The file has another size now. */
  resize: [{ size: number }];
  /** A thread has waited in a fault for a second or more; `resume` follows. */
  stall: [{ offset: number; seconds: number; reason: string }];
  resume: [{ seconds: number }];
  /** Stores to these bytes could not be sent before this node's session ended, and are gone. */
  lost: [{ offset: number; length: number }];
  newListener: [event: string | symbol];
}

/** A range of a file, mapped into this process's memory. Made by `file.map`. */
export class FileMap extends EventEmitter<MapEvents> implements AsyncDisposable {
  readonly file: File;
  /** In bytes. */
  readonly offset: number;
  readonly length: number;
  readonly sharing: "shared" | "private";
  readonly #view: ViewBuffer;
  readonly #onClosed: () => void;

  /** For `file.map`. */
  static async open(
    thread: PagerThread,
    file: File,
    id: number,
    options: MapOptions,
    onClosed: () => void,
  ): Promise<FileMap> {
    const { offset, length } = checkRange(file, options);
    const sharing = checkChoice(options.sharing ?? "shared", "sharing", ["shared", "private"]);
    const access = checkChoice(options.access ?? "readWrite", "access", ["read", "readWrite"]);
    const beyondEnd = checkChoice(options.onBeyondEnd ?? "zeros", "onBeyondEnd", ["zeros", "sigbus"]);
    const args: ViewArgs = {
      file: id,
      // A store to read-only memory would kill the process, so a map for reading keeps stores to itself (R18).
      sharing: access === "read" ? "private" : sharing,
      firstPage: pageAt(offset),
      pageCount: pageEndAt(length),
      beyondEnd,
    };
    const view = (await thread.call("openView", args)) as View;
    const buffer = new ViewBuffer(view, length, (viewId) => {
      thread.callSync("closeView", { file: id, view: viewId });
    });
    return new FileMap(file, offset, length, sharing, buffer, onClosed);
  }

  private constructor(
    file: File,
    offset: number,
    length: number,
    sharing: "shared" | "private",
    view: ViewBuffer,
    onClosed: () => void,
  ) {
    super();
    this.file = file;
    this.offset = offset;
    this.length = length;
    this.sharing = sharing;
    this.#view = view;
    this.#onClosed = onClosed;
    this.on("newListener", (event) => {
      if (event === "stall") queueMicrotask(() => file.onListenersChanged());
    });
  }

  /**
   * The bytes. A touch of a page that is not here sleeps until the home has sent it; `prefetch` or `hold` first, where a
   * thread must not sleep. After `close`, what still holds the buffer reads zeros (R19).
   */
  get buffer(): ArrayBuffer {
    this.#assertOpen();
    return this.#view.buffer;
  }

  /** As `file.sync`. */
  async sync(options: Patience = {}): Promise<void> {
    this.#assertOpen();
    await this.file.sync(options);
  }

  /**
   * Brings a range here and keeps it: until `release` no other node can take it (with "write") or change it (with
   * "read"), and touching it makes no fault that asks the home. The way to be atomic over more than one word. Bytes,
   * relative to the map; the hold covers whole pages.
   */
  async hold(offset: number, length: number, mode: "read" | "write", options: Patience = {}): Promise<Hold> {
    const range = this.#pages(offset, length);
    const wanted = checkChoice(mode, "mode", ["read", "write"]) === "write" ? Mode.write : Mode.read;
    const drop = await this.file.pin({ ...range, mode: wanted, hold: true }, "hold", options);
    return new Hold(offset, length, mode, drop);
  }

  /** Brings a range here, so that touching it soon does not sleep. Others may take it away again. */
  async prefetch(offset: number, length: number, mode: "read" | "write", options: Patience = {}): Promise<void> {
    const range = this.#pages(offset, length);
    const wanted = checkChoice(mode, "mode", ["read", "write"]) === "write" ? Mode.write : Mode.read;
    await this.file.pin({ ...range, mode: wanted, hold: false }, "prefetch", options);
  }

  /** A handle for other threads of this process: `attach(handle)` there gives the same memory, without a copy. */
  share(): ViewHandle {
    this.#assertOpen();
    return this.#view.share();
  }

  /** Ends the map, in every thread. What it stored stays in the file; `sync` before, to know that it is durable. */
  async close(): Promise<void> {
    if (this.#view.closed) return;
    this.#view.close();
    this.#onClosed();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** For the file: something happened to it. */
  onPagerEvent(event: string, value: unknown): void {
    if (event === "resize") this.emit("resize", { size: (value as NodeEvents["resize"]).size });
    if (event === "resume") this.emit("resume", { seconds: (value as NodeEvents["resume"]).seconds });
    if (event === "stall") {
      const { page, seconds, reason } = value as NodeEvents["stall"];
      this.emit("stall", { offset: page * pageBytes, seconds, reason });
    }
    if (event === "lost") {
      const { start, end } = value as NodeEvents["lost"];
      this.emit("lost", { offset: start * pageBytes, length: (end - start) * pageBytes });
    }
  }

  #pages(offset: number, length: number): { start: number; end: number } {
    this.#assertOpen();
    checkOffset(offset, "offset");
    checkOffset(length, "length");
    if (offset + length > this.length) {
      throw new RangeError(`bytes ${offset}+${length} are not in this map, which has ${this.length}`);
    }
    return { start: pageAt(this.offset + offset), end: pageEndAt(this.offset + offset + length) };
  }

  #assertOpen(): void {
    if (this.#view.closed) throw new DmmapError("DMMAP_CLOSED", `this map of ${this.file.name} has been closed`);
  }
}

function checkRange(file: File, options: MapOptions): { offset: number; length: number } {
  const offset = checkOffset(options.offset ?? 0, "offset");
  if (offset % pageBytes !== 0) throw new RangeError(`offset must be a multiple of ${pageBytes}, not ${offset}`);
  const length = checkOffset(options.length ?? Math.max(0, file.size - offset), "length");
  if (length === 0) throw new RangeError(`there is nothing to map: ${file.name} has ${file.size} bytes`);
  if (offset + length > file.size) {
    throw new RangeError(
      `bytes ${offset}+${length} are not in ${file.name}, which has ${file.size}: truncate it first`,
    );
  }
  assertViewLength(length);
  return { offset, length };
}
