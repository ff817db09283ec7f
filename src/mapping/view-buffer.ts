import { constants } from "node:buffer";
import { isMainThread } from "node:worker_threads";
import { memoryView, munmap } from "../kernel/libc.js";
import type { View } from "./cache-view.js";

/**
 * What another thread of the same process needs to use a view: plain data for `postMessage` or `workerData`. It stays
 * good until the view is closed; attached too late it gives a view of zeros.
 */
export interface ViewHandle {
  readonly address: number;
  readonly byteLength: number;
  /** [0] ArrayBuffers alive over the view, in all threads. [1] closed: then, at 0, its memory is given back for ever. */
  readonly cell: SharedArrayBuffer;
}

/** A view as a thread sees it that did not open it. */
export interface AttachedView extends Disposable {
  readonly buffer: ArrayBuffer;
  /** Gives up this thread's part: at the latest when `buffer` has been collected, the memory may go. */
  close(): void;
}

const buffersAt = 0;
const closedAt = 1;

/** Closed views whose memory waits for another thread's ArrayBuffers, looked at again once a second. */
const lingering = new Set<ViewBuffer>();
let lingerTimer: NodeJS.Timeout | undefined;
const owned = new Set<ViewBuffer>();

/** The buffers alive in this thread. */
const countedHere = new Set<{ readonly cell: Int32Array }>();
const collected = new FinalizationRegistry<() => void>((onCollected) => onCollected());

/**
 * A program's view of a mapping: the ArrayBuffer over it, in the thread that opened it.
 *
 * An ArrayBuffer over foreign memory cannot be detached, so a closed view must go on being memory (R19): the pager puts
 * zero pages in its place, and its addresses are given back only when the last ArrayBuffer over them, in any thread, has
 * been collected.
 */
export class ViewBuffer implements Disposable {
  readonly byteLength: number;
  readonly #view: View;
  readonly #cell: Int32Array;
  readonly #onClose: (id: number) => void;
  #buffer: ArrayBuffer | undefined;

  /**
   * @param byteLength as much of the view as the program asked for.
   * @param onClose puts inert pages in the view's place (`PageCache.closeView` on the pager) before it returns.
   */
  constructor(view: View, byteLength: number, onClose: (id: number) => void) {
    assertViewLength(byteLength);
    this.byteLength = byteLength;
    this.#view = view;
    this.#cell = new Int32Array(new SharedArrayBuffer(8));
    this.#onClose = onClose;
    this.#buffer = countedBuffer(view.address, byteLength, this.#cell, () => this.releaseIfUnused());
    owned.add(this);
  }

  /** The bytes. Touching them may wait for a page; after `close` they are zeros. */
  get buffer(): ArrayBuffer {
    if (this.#buffer === undefined) throw Object.assign(new Error("this view is closed"), { code: "DMMAP_CLOSED" });
    return this.#buffer;
  }

  get closed(): boolean {
    return this.#buffer === undefined;
  }

  /** A handle that any other thread of this process makes a view of with `attach`, without a copy. */
  share(): ViewHandle {
    if (this.closed) throw Object.assign(new Error("this view is closed"), { code: "DMMAP_CLOSED" });
    return { address: this.#view.address, byteLength: this.byteLength, cell: this.#cell.buffer as SharedArrayBuffer };
  }

  /** Ends the view, in all threads. What still holds `buffer` reads zeros from now on. */
  close(): void {
    if (this.closed) return;
    this.#buffer = undefined;
    this.#onClose(this.#view.id);
    Atomics.store(this.#cell, closedAt, 1);
    this.releaseIfUnused();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Whether another thread still has a buffer over it. */
  get attachedElsewhere(): boolean {
    return Atomics.load(this.#cell, buffersAt) > (this.closed ? 0 : 1);
  }

  /** Atomically from 0 to "never again", so that an `attach` at the same moment finds one or the other. */
  releaseIfUnused(): void {
    if (!this.closed || !owned.has(this)) return;
    if (Atomics.compareExchange(this.#cell, buffersAt, 0, -1) === 0) {
      owned.delete(this);
      lingering.delete(this);
      munmap(this.#view.address, this.#view.byteLength); // Inert pages by now: no pager knows them any more.
    } else linger(this);
  }
}

/**
 * Makes a view of a handle, in the thread that calls it. Its buffer shows the very memory of the view: no copy.
 * Throws DMMAP_CLOSED when the view's memory has been given back already.
 */
export function attach(handle: ViewHandle): AttachedView {
  const cell = new Int32Array(handle.cell);
  let buffer: ArrayBuffer | undefined = countedBuffer(handle.address, handle.byteLength, cell, () => undefined);
  const close = () => {
    buffer = undefined;
  };
  return {
    get buffer() {
      if (buffer === undefined) throw Object.assign(new Error("this view is closed"), { code: "DMMAP_CLOSED" });
      return buffer;
    },
    close,
    [Symbol.dispose]: close,
  };
}

/** Throws unless an ArrayBuffer can be that long. */
export function assertViewLength(byteLength: number): void {
  if (byteLength <= constants.MAX_LENGTH) return;
  const most = constants.MAX_LENGTH;
  throw new RangeError(
    `a view is at most ${most} bytes here (buffer.constants.MAX_LENGTH); map larger files in windows`,
  );
}

/** Whether any view that this thread opened is in use by another thread. */
export function isAttachedElsewhere(): boolean {
  for (const view of owned) if (view.attachedElsewhere) return true;
  return false;
}

/** An ArrayBuffer that counts itself in the cell for as long as it, or a typed array over it, lives. */
function countedBuffer(address: number, byteLength: number, cell: Int32Array, onCollected: () => void): ArrayBuffer {
  for (let count = Atomics.load(cell, buffersAt); ; ) {
    if (count < 0) throw Object.assign(new Error("this view is closed"), { code: "DMMAP_CLOSED" });
    const seen = Atomics.compareExchange(cell, buffersAt, count, count + 1);
    if (seen === count) break;
    count = seen;
  }
  const buffer = memoryView(address, byteLength);
  if (!isMainThread && countedHere.size === 0) process.once("exit", forgetThread);
  const token = { cell };
  countedHere.add(token);
  collected.register(buffer, () => {
    countedHere.delete(token);
    Atomics.sub(cell, buffersAt, 1);
    onCollected();
  });
  return buffer;
}

/** A worker thread ends, and its buffers with it: nothing is collected then. */
function forgetThread(): void {
  for (const { cell } of countedHere) Atomics.sub(cell, buffersAt, 1);
  countedHere.clear();
}

function linger(view: ViewBuffer): void {
  lingering.add(view);
  lingerTimer ??= setInterval(() => {
    for (const waiting of lingering) waiting.releaseIfUnused();
    if (lingering.size > 0) return;
    clearInterval(lingerTimer);
    lingerTimer = undefined;
  }, 1000).unref();
}
