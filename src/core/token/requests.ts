import type { TokenRanges } from "../token-ranges.js";
import { type Micros, Mode, type PageIndex, type Policy, pageMax } from "../units.js";
import { type Acquire, AcquireList } from "./acquire-list.js";
import { FetchList } from "./fetch-list.js";
import type { TokenPort } from "./token-port.js";

/** Pages of one fetch. */
export const fetchPagesMax = 1024;

/** What the home is asked for, and what it still owes. */
export class Requests {
  readonly acquires = new AcquireList();
  readonly fetches = new FetchList();
  readonly #port: TokenPort;
  readonly #held: TokenRanges;
  readonly #policy: Policy;
  #last = 0;

  constructor(port: TokenPort, held: TokenRanges, policy: Policy) {
    this.#port = port;
    this.#held = held;
    this.#policy = policy;
  }

  /** Asks for a token on all of the range needed, and on as much of the file as nobody contends. */
  acquire(
    mode: Mode,
    needStart: PageIndex,
    needEnd: PageIndex,
    windowEnd: PageIndex,
    needsData: boolean,
    isUrgent = false,
  ): void {
    const asked = this.#policy === "simple" ? Mode.write : mode;
    const acquire: Acquire = { request: ++this.#last, mode: asked, needStart, needEnd, windowEnd, needsData, isUrgent };
    this.acquires.add(acquire);
    this.#ask(acquire);
  }

  /**
   * The home does not serve this one. An acquire, for which its line had no room, is asked again from `askAt` on; of a fetch
   * `onRange` hears what is not coming.
   */
  failed(request: number, askAt: Micros, onRange: (start: PageIndex, end: PageIndex) => void): void {
    if (!this.acquires.refused(request, askAt)) this.fetches.fail(request, onRange);
  }

  /** @returns when to call it again; Infinity for never. */
  askAgain(now: Micros): Micros {
    return this.acquires.askAgain(now, this.#ask);
  }

  readonly #ask = ({ request, mode, needStart, needEnd, windowEnd, needsData, isUrgent }: Acquire): void => {
    this.#port.acquire(request, mode, needStart, needEnd, 0, pageMax, windowEnd, needsData, isUrgent);
  };

  /** Fetches what is neither cached nor under way, from this page up to `limit`, as far as one token reaches. */
  fetch(page: PageIndex, limit: PageIndex): void {
    const epoch = this.#held.epochAt(page);
    if (epoch === 0) return;
    const segment = this.#held.firstEndingAfter(page);
    const reach = Math.min(limit, page + fetchPagesMax, this.#held.end(segment));
    const start = this.#port.nextUncached(page, reach);
    const end = this.#port.nextCached(start, reach);
    if (start >= end || this.fetches.isComing(start, this.#held)) return;
    const request = ++this.#last;
    this.fetches.add(request, start, end, epoch);
    this.#port.fetch(request, start, end, epoch);
  }

  /**
   * Pages of [start, end) that were stored to here go out of the cache or out of this node's hands. What was asked before
   * that may have been read before their write-back arrived, and is not good for them (R9).
   */
  overtake(start: PageIndex, end: PageIndex): void {
    this.acquires.overtake(start, end);
    this.fetches.drop(start, end);
  }

  /** The same, where only what stores were allowed to has been written back. */
  overtakeWritten(start: PageIndex, end: PageIndex): void {
    const held = this.#held;
    for (let index = held.firstEndingAfter(start); index < held.count && held.start(index) < end; index++) {
      if (held.mode(index) !== Mode.write) continue;
      this.overtake(Math.max(start, held.start(index)), Math.min(end, held.end(index)));
    }
  }

  describe(): string {
    return `acquires ${this.acquires.describe()}; coming ${this.fetches.describe()}`;
  }

  clear(): void {
    this.acquires.clear();
    this.fetches.clear();
  }
}
