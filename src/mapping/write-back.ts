import { NativeBuffer } from "../kernel/native-buffer.js";
import { pageBytes } from "../kernel/page-size.js";
import type { PageCache } from "./page-cache.js";

/** Pages given to the hook at a time. */
const partPages = 64;

/** Takes the bytes from page `start` on; calls `done` once, now or later. */
export type PageWriter = (start: number, bytes: Uint8Array, done: (error?: unknown) => void) => void;

interface Request {
  parts: number;
  error: unknown;
  readonly done: (error?: unknown) => void;
}

interface Part {
  readonly start: number;
  readonly end: number;
  readonly requests: Request[];
}

/** Write-back of a cache's dirty pages, and who waits for which part of it. */
export class WriteBack {
  readonly #cache: PageCache;
  readonly #write: PageWriter;
  readonly #underWay = new Set<Part>();
  readonly #scratch = new NativeBuffer(partPages * pageBytes);

  constructor(cache: PageCache, write: PageWriter) {
    this.#cache = cache;
    this.#write = write;
  }

  /** Calls `done` when all that is dirty in [start, end) now, or was and is under way, has been taken. */
  write(start: number, end: number, done: (error?: unknown) => void): void {
    const request: Request = { parts: 1, error: undefined, done };
    for (const part of this.#underWay) {
      if (part.start < end && part.end > start) this.#join(part, request);
    }
    for (let from = this.#cache.nextDirty(start, end); from < end; ) {
      const to = this.#cache.nextClean(from, Math.min(end, from + partPages));
      this.#start(from, to, request);
      from = this.#cache.nextDirty(to, end);
    }
    this.#finish(request, undefined);
  }

  /**
   * R2: protect, copy, and only then clean. A store that comes while the copy is on its way finds the page protected, so
   * it makes the page dirty again, and is never taken for written.
   */
  #start(start: number, end: number, request: Request): void {
    const cache = this.#cache;
    const byteLength = Math.min(end * pageBytes, cache.sizeBytes) - start * pageBytes;
    cache.protect(start, end);
    cache.readBytes(start, this.#scratch.address, byteLength);
    cache.markClean(start, end);
    const part: Part = { start, end, requests: [] };
    this.#join(part, request);
    this.#underWay.add(part);
    const done = (error?: unknown) => this.#finishPart(part, error);
    try {
      this.#write(start, this.#scratch.bytes.subarray(0, byteLength), done);
    } catch (error) {
      done(error ?? new Error("writePages failed"));
    }
  }

  #join(part: Part, request: Request): void {
    part.requests.push(request);
    request.parts++;
  }

  #finishPart(part: Part, error: unknown): void {
    if (!this.#underWay.delete(part)) return; // Said twice.
    if (error !== undefined && error !== null) this.#cache.markDirty(part.start, part.end);
    for (const request of part.requests) this.#finish(request, error);
  }

  #finish(request: Request, error: unknown): void {
    request.error ??= error;
    if (--request.parts === 0) request.done(request.error ?? undefined);
  }
}
