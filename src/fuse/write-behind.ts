import { type ByteOffset, type PageIndex, pageAt } from "../core/units.js";

/** Sent at a time. */
const piecePages = 256;

/** Sends pages to the home, if it takes them at once. @returns whether it did. */
export type SendPages = (start: PageIndex, end: PageIndex) => boolean;

/**
 * What a stream of writes leaves behind is sent while it goes on: else whoever syncs would wait for all of it, and the home
 * have nothing to do before. Pages at other places may be written again soon; they wait for a sync.
 */
export class WriteBehind {
  readonly #send: SendPages;
  #streamEnd: ByteOffset = -1;
  #unsentPage: PageIndex = 0;

  constructor(send: SendPages) {
    this.#send = send;
  }

  /** A program has written [start, end). */
  wrote(start: ByteOffset, end: ByteOffset): void {
    if (start !== this.#streamEnd) this.#unsentPage = pageAt(start);
    this.#streamEnd = end;
    // Not the last page, if the next write goes on in it.
    const endPage = pageAt(end);
    if (endPage - this.#unsentPage < piecePages) return;
    if (this.#send(this.#unsentPage, endPage)) this.#unsentPage = endPage;
  }
}
