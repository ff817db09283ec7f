import type { PageIndex } from "../units.js";

/** Pages fetched at one fault, by how often the stream has gone on. A first fault fetches its page alone. */
const windowPages = [1, 16, 64, 256, 1024] as const;
/** Windows of this size and above are fetched before they are needed. */
const triggerWindowMin = 64;
const streamsMax = 4;

interface Stream {
  /** The first page that has not been asked for. */
  next: PageIndex;
  /** Touching this page asks for the next window; -1 for none. */
  trigger: PageIndex;
  step: number;
}

/**
 * Finds sequential streams among the faults of a file and says how much to fetch. A window grows while its stream goes
 * on; a fault elsewhere fetches one page, so random access prefetches nothing. Data only: token ranges have their own
 * growth.
 */
export class Readahead {
  /** Most recent first. */
  readonly #streams: Stream[] = [];

  /** @returns how many pages to fetch from this page on. */
  onFault(page: PageIndex): number {
    const index = this.#streams.findIndex((stream) => stream.next === page);
    const stream = index < 0 ? this.#begin() : this.#streams.splice(index, 1)[0];
    if (index >= 0) stream.step = Math.min(stream.step + 1, windowPages.length - 1);
    this.#streams.unshift(stream);
    return this.#advance(stream, page);
  }

  /**
   * A page that was left unmapped for this purpose has been touched.
   *
   * @returns how many pages to fetch from `nextPage` on; 0 when the page triggers nothing.
   */
  onTouch(page: PageIndex): number {
    const stream = this.#streams.find((candidate) => candidate.trigger === page);
    if (stream === undefined) return 0;
    stream.step = Math.min(stream.step + 1, windowPages.length - 1);
    this.nextPage = stream.next;
    return this.#advance(stream, stream.next);
  }

  /** Where the window of the last `onTouch` begins. */
  nextPage: PageIndex = 0;

  /** The first trigger in [start, end), or `end`: pages before it may be mapped as soon as they are there. */
  mapEnd(start: PageIndex, end: PageIndex): PageIndex {
    let mapEnd = end;
    for (const { trigger } of this.#streams) {
      if (trigger >= start && trigger < mapEnd) mapEnd = trigger;
    }
    return mapEnd;
  }

  #begin(): Stream {
    const stream = this.#streams.length < streamsMax ? undefined : this.#streams.pop();
    return Object.assign(stream ?? { next: 0, trigger: -1, step: 0 }, { step: 0 });
  }

  #advance(stream: Stream, start: PageIndex): number {
    const count = windowPages[stream.step];
    stream.next = start + count;
    stream.trigger = count >= triggerWindowMin ? start + count / 2 : -1;
    return count;
  }
}
