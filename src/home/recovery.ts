import { DmmapError } from "../core/error.js";
import { pageEndAt } from "../core/units.js";
import type { Fencing } from "../observe/status.js";
import type { Store } from "../store/store.js";

const note = "sessions";
/** A restarted home waits this much longer than a lease, for clocks that run differently. */
const graceShare = 1.1;
/** Of one session's files, so that the note stays small. */
const filesMax = 100;

interface Remembered {
  readonly name: string;
  readonly files: readonly string[];
}

/**
 * What a home remembers of its sessions across a restart, and the time after one in which it takes the nodes' word.
 *
 * The directory is soft state: a restarted home does not know who holds what. It knows which sessions there were (those
 * that had a file open); until each of them has said what it holds, or a lease has passed in which it could still have
 * acted on it, nothing is granted, and so nothing that a surviving node holds is given to another.
 */
export class Recovery {
  readonly #store: Store;
  readonly #expected: Map<string, Remembered>;
  readonly #live = new Map<string, Remembered>();
  readonly #onEnd: () => void;
  readonly #onLost: (event: Fencing) => void;
  readonly #untilMicros: number;
  readonly #parked: (() => void)[] = [];
  #isOver: boolean;

  constructor(
    store: Store,
    leaseMillis: number,
    nowMicros: number,
    events: { onEnd: () => void; onLost: (event: Fencing) => void },
  ) {
    this.#store = store;
    this.#onEnd = events.onEnd;
    this.#onLost = events.onLost;
    this.#expected = new Map(Object.entries(readSessions(store)));
    this.#isOver = this.#expected.size === 0;
    this.#untilMicros = nowMicros + leaseMillis * 1000 * graceShare;
  }

  /** Whether nodes may still claim what they held before the restart. */
  get isOpen(): boolean {
    return !this.#isOver;
  }

  get expectedCount(): number {
    return this.#expected.size;
  }

  /** Whether a node may go on under the session of this id. */
  expects(session: string): boolean {
    return this.#expected.has(session);
  }

  /** The session has a file open now: a restart would have to wait for it, and to tell what it may have lost. */
  remember(session: string, name: string, file: string): void {
    const files = this.#live.get(session)?.files ?? [];
    if (files.includes(file) || files.length === filesMax) return;
    this.#live.set(session, { name, files: [...files, file] });
    this.#write();
  }

  /** The session has ended, by goodbye or by fence. */
  forget(session: string): void {
    const wasExpected = this.#expected.delete(session);
    if (this.#live.delete(session) || wasExpected) this.#write();
    this.#endIfDone();
  }

  /** The node has claimed all it held. */
  recovered(session: string): void {
    this.#expected.delete(session);
    this.#endIfDone();
  }

  /** Runs `action` when recovery is over. */
  park(action: () => void): void {
    this.#parked.push(action);
  }

  /** Called now and then: who has not come back within the grace period is fenced. */
  onTime(nowMicros: number): void {
    if (this.#isOver || nowMicros < this.#untilMicros) return;
    for (const [session, { name, files }] of this.#expected) {
      this.#live.delete(session);
      const reason = "it did not come back after the home's restart";
      this.#onLost({ node: 0, name, reason, files: files.map((file) => this.#whole(file)) });
    }
    this.#expected.clear();
    this.#write();
    this.#endIfDone();
  }

  #endIfDone(): void {
    if (this.#isOver || this.#expected.size > 0) return;
    this.#isOver = true;
    this.#onEnd();
    for (const action of this.#parked.splice(0)) action();
  }

  /** What it held of a file died with the home before: all of it may have been held for writing. */
  #whole(name: string): Fencing["files"][number] {
    return { name, ranges: [[0, this.#pageCount(name)]] };
  }

  #pageCount(name: string): number {
    try {
      return pageEndAt(this.#store.stat(name).size);
    } catch (error) {
      if (error instanceof DmmapError) return 0; // Removed meanwhile.
      throw error;
    }
  }

  #write(): void {
    const sessions = Object.fromEntries([...this.#expected, ...this.#live]);
    this.#store.writeNote(note, JSON.stringify({ sessions }));
  }
}

function readSessions(store: Store): Record<string, Remembered> {
  const text = store.readNote(note);
  if (text === undefined) return {};
  return (JSON.parse(text) as { sessions: Record<string, Remembered> }).sessions;
}
