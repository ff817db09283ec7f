import type { DmmapError } from "../error.js";
import type { Micros } from "../units.js";

/** A restarted home waits this much longer than a lease, for clocks that run differently. */
const graceShare = 1.1;
/** Of one session's files, so that the note stays small. */
const filesMax = 100;

/** What is on record of a session that had a file open. */
export interface RememberedSession {
  readonly name: string;
  readonly files: readonly string[];
}

export type RememberedSessions = Readonly<Record<string, RememberedSession>>;

/** What a home has on record for the one after it. */
export interface HomeRecord {
  readonly sessions: RememberedSessions;
  /** Whether a sync of the home's own accord may not be through yet, although there is no session. */
  readonly isUnsettled: boolean;
}

/**
 * Whether the home that left this may have had something that is not on stable storage. The next one takes what it finds there
 * as stable: so it has to sync it first (R20).
 */
export function mayBeUnstable({ sessions, isUnsettled }: HomeRecord): boolean {
  return isUnsettled || Object.keys(sessions).length > 0;
}

export interface RecoveryPort {
  /**
   * Puts this on record, durably, before anything is answered that was served after this call.
   *
   * @returns why that cannot be
   */
  remember(record: HomeRecord): DmmapError | undefined;
  /** Whether this session is back, and its lease runs: whatever it holds may not be given away before that is over. */
  isBack(session: string): boolean;
  /** A node has not come back in time. */
  onLost(session: RememberedSession): void;
  /** Every node has said what it holds, or has lost its chance. Called before what was parked goes on. */
  onEnd(): void;
}

/**
 * What a home remembers of its sessions across a restart, and the time after one in which it takes the nodes' word.
 *
 * The directory is soft state: a restarted home does not know who holds what. It knows which sessions there were (those
 * that had a file open); until each of them has said what it holds, or a lease has passed in which it could still have
 * acted on it, nothing is granted, and so nothing that a surviving node holds is given to another.
 *
 * The record may be refused, as by a disk that is full. It is tried again now and then; until it is taken, nobody opens what the
 * next home would have to know of, nobody is fenced of whom that home would still take the word, and no recovery ends.
 */
export class Recovery {
  readonly #port: RecoveryPort;
  readonly #expected: Map<string, RememberedSession>;
  readonly #live = new Map<string, RememberedSession>();
  readonly #untilMicros: Micros;
  readonly #parked: (() => void)[] = [];
  #isOver: boolean;
  #settling = 0;
  #isUnsettledOnRecord = false;
  /** Those that are on record for certain. */
  #recorded: Map<string, RememberedSession>;
  #refusal: DmmapError | undefined;

  /** `sessions`: what the home before this one had on record. */
  constructor(port: RecoveryPort, sessions: RememberedSessions, leaseMicros: Micros, nowMicros: Micros) {
    this.#port = port;
    this.#expected = new Map(Object.entries(sessions));
    this.#recorded = new Map(this.#expected);
    this.#isOver = this.#expected.size === 0;
    this.#untilMicros = nowMicros + leaseMicros * graceShare;
  }

  /** Whether nodes may still claim what they held before the restart. */
  get isOpen(): boolean {
    return !this.#isOver;
  }

  get expectedCount(): number {
    return this.#expected.size;
  }

  /** When `onTime` wants to be called; Infinity for never. */
  get deadline(): Micros {
    return this.#isOver ? Number.POSITIVE_INFINITY : this.#untilMicros;
  }

  /** Whether a node may go on under the session of this id. */
  expects(session: string): boolean {
    return this.#expected.has(session);
  }

  /** Whether something has changed that the disk would not put on record: `onTime` tries again. */
  get isBehind(): boolean {
    return this.#refusal !== undefined;
  }

  /**
   * The session is about to have a file open: a restart would have to wait for it, and to tell what it may have lost.
   *
   * @returns why it may not: it is not on record
   */
  remember(session: string, name: string, file: string): DmmapError | undefined {
    const files = this.#live.get(session)?.files ?? [];
    if (!files.includes(file) && files.length < filesMax) this.#live.set(session, { name, files: [...files, file] });
    if (!this.#isOnRecord(session, file)) this.#record();
    return this.#isOnRecord(session, file) ? undefined : this.#refusal;
  }

  /**
   * The session is about to go by what it is told of names and attributes: a restart would have to wait for it. Asked for far more
   * often than a file is opened: where that was refused, the disk is not tried again each time.
   *
   * @returns why it may not: it is not on record
   */
  rememberSession(session: string, name: string): DmmapError | undefined {
    if (!this.#live.has(session)) {
      this.#live.set(session, { name, files: [] });
      if (!this.#recorded.has(session)) this.#record();
    }
    return this.#recorded.has(session) ? undefined : this.#refusal;
  }

  /**
   * The session has ended, by goodbye, or is about to be fenced.
   *
   * 1. What a node held is given to others, who store. 2. The home dies, and the next one finds the node on record. 3. The node
   * is back first, and its word is taken. So who is fenced is fenced when it is off the record.
   *
   * @returns whether it is, and nothing else waits for the disk
   */
  forget(session: string): boolean {
    const wasExpected = this.#expected.delete(session);
    if (this.#live.delete(session) || wasExpected) this.#record();
    this.#endIfDone();
    return !this.isBehind;
  }

  /**
   * The node has claimed all it held. Without a file, it is not on record any more:
   *
   * 1. It closes its last file, and the home dies; the node is back, and has nothing to claim. 2. It is fenced: that is nothing
   * that would have to be put on record, if it is believed to be off it. 3. The home dies again, and finds it on record still:
   * it takes the word of a node that it has fenced.
   */
  recovered(session: string): void {
    if (this.#expected.delete(session) && !this.#live.has(session)) this.#record();
    this.#endIfDone();
  }

  /**
   * The home begins to put on stable storage what no session answers for any more. Call the answer when that is there.
   *
   * 1. A node stores, another reads that, and both leave; the home syncs. 2. Before that is through, the home is killed: no
   * session is on record. 3. The next home grants what it finds there as stable. 4. The power fails, and a node that lives has
   * seen what is gone. So that a sync is under way is on record, too, with the last session that leaves.
   */
  beginSettling(): () => void {
    this.#settling++;
    return () => {
      this.#settling--;
      if (this.#settling === 0 && this.#isUnsettledOnRecord) this.#record();
    };
  }

  /** Runs `action` when recovery is over. */
  park(action: () => void): void {
    this.#parked.push(action);
  }

  /**
   * Called now and then: what the disk refused is tried again, and who has not come back within the grace period is fenced. Not
   * so who is back and has not claimed yet:
   *
   * 1. A node is back just before the end of the grace period, and may act on what it holds for a lease from then.
   * 2. The period ends, and what it holds is given to others. 3. It goes on reading what it had, and others store.
   */
  onTime(nowMicros: Micros): void {
    if (this.isBehind) this.#record();
    this.#loseAbsent(nowMicros);
    this.#endIfDone();
  }

  #loseAbsent(nowMicros: Micros): void {
    if (this.#isOver || nowMicros < this.#untilMicros) return;
    const lost = [...this.#expected].filter(([session]) => !this.#port.isBack(session));
    for (const [session, remembered] of lost) {
      this.#expected.delete(session);
      this.#live.delete(session);
      this.#port.onLost(remembered);
    }
    if (lost.length > 0) this.#record();
  }

  #endIfDone(): void {
    if (this.#isOver || this.#expected.size > 0 || this.isBehind) return;
    this.#isOver = true;
    this.#port.onEnd();
    for (const action of this.#parked.splice(0)) action();
  }

  /** Of one that has come back, with what it had open before, too. */
  #isOnRecord(session: string, file: string): boolean {
    const files = this.#recorded.get(session)?.files;
    return files !== undefined && (files.includes(file) || files.length === filesMax);
  }

  #record(): void {
    const sessions = new Map([...this.#expected, ...this.#live]);
    const isUnsettled = sessions.size === 0 && this.#settling > 0; // Else the sessions say so.
    this.#refusal = this.#port.remember({ sessions: Object.fromEntries(sessions), isUnsettled });
    if (this.isBehind) {
      // A disk may have taken what it says it has not.
      for (const session of this.#recorded.keys()) if (!sessions.has(session)) this.#recorded.delete(session);
    } else {
      this.#recorded = sessions;
      this.#isUnsettledOnRecord = isUnsettled;
    }
  }
}
