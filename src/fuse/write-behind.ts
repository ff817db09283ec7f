import { type ByteOffset, type PageIndex, pageAt } from "../core/units.js";

/** Sent at a time. */
const piecePages = 256;
/** Put on the home's disk at a time. */
const syncPages = 8192;

export interface WriteBehindFile {
  /** Sends pages to the home, if it takes them at once. @returns whether it did. */
  send(start: PageIndex, end: PageIndex): boolean;
  /** Has all that was sent put on the home's disk. */
  sync(onDone: () => void): void;
}

/**
 * What a stream of writes leaves behind is sent while it goes on, and put on the disk: else whoever syncs would wait for all of
 * it, and the home and its disk have nothing to do before. Pages at other places may be written again soon; they wait for a sync.
 */
export class WriteBehind {
  readonly #file: WriteBehindFile;
  #streamEnd: ByteOffset = -1;
  #unsentPage: PageIndex = 0;
  #unsyncedPages = 0;
  #isSyncing = false;

  constructor(file: WriteBehindFile) {
    this.#file = file;
  }

  /** A program has written [start, end). */
  wrote(start: ByteOffset, end: ByteOffset): void {
    if (start !== this.#streamEnd) this.#unsentPage = pageAt(start);
    this.#streamEnd = end;
    // Not the last page, if the next write goes on in it.
    const endPage = pageAt(end);
    if (endPage - this.#unsentPage < piecePages) return;
    if (!this.#file.send(this.#unsentPage, endPage)) return;
    this.#unsyncedPages += endPage - this.#unsentPage;
    this.#unsentPage = endPage;
    if (this.#unsyncedPages >= syncPages && !this.#isSyncing) this.#sync();
  }

  #sync(): void {
    this.#unsyncedPages = 0;
    this.#isSyncing = true;
    this.#file.sync(() => {
      this.#isSyncing = false;
    });
  }
}
