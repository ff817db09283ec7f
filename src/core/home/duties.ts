import { TokenRanges } from "../token-ranges.js";
import { type Epoch, Mode, type PageIndex, pageMax } from "../units.js";

/** Beyond this many runs of unstable pages, the whole file counts as unstable until the next sync. */
const runsMax = 4096;

/** The last write of each session that is on stable storage, by session id. */
export type StableWrites = Record<string, number>;

/**
 * Who answers for what of one file until it is on stable storage (R20), as the home sees it: which pages it has not
 * synced, which write of each session it has taken, and, after a restart, what may be restored.
 */
export class Duties {
  /** Unstable pages; in the place of the epoch, the number of the sync that will end it. */
  readonly #unstable = new TokenRanges();
  /** Of each session the write up to which all have been taken. */
  readonly #taken = new Map<string, number>();
  /** Of each session that is back the last write that it has restored; counts when it has restored all. */
  readonly #restoring = new Map<string, number>();
  /** The writes that are on stable storage, as they are on record. */
  #stable: Readonly<StableWrites>;
  /** After a restart: the newest version of each page that has come. */
  readonly #restored = new Map<PageIndex, Epoch>();
  /** After a restart: pages that were written again since, and by whom. */
  readonly #written = new Map<PageIndex, { readonly session: string; readonly write: number }>();
  #isRecovering: boolean;
  #syncNext = 1;

  constructor(stable: Readonly<StableWrites> = {}, isRecovering = false) {
    this.#stable = stable;
    this.#isRecovering = isRecovering;
  }

  isUnstable(start: PageIndex, end: PageIndex): boolean {
    return this.#unstable.count > 0 && this.#unstable.strongest(start, end) !== Mode.none;
  }

  /** The last write of this session that has been taken. */
  taken(session: string): number {
    return this.#taken.get(session) ?? 0;
  }

  onWrite(session: string, write: number, start: PageIndex, end: PageIndex): void {
    this.#taken.set(session, Math.max(write, this.taken(session)));
    this.#addUnstable(start, end);
    if (!this.#isRecovering) return;
    // Under a token that was claimed: whatever others restore of these pages, later than this, is older than this.
    for (let page = start; page < end; page++) this.#written.set(page, { session, write });
  }

  /** Whether a page that a node within its lease sends again had been lost with a connection. */
  mayResend(session: string, write: number): boolean {
    return write > this.taken(session);
  }

  /** Whether a page that a node sends after a restart is newer than what the disk has and what others have sent. */
  mayRestore(session: string, page: PageIndex, version: Epoch, write: number): boolean {
    if (write > 0 && write <= (this.#stable[session] ?? 0)) return false;
    const written = this.#written.get(page);
    // Its own later write may have been lost with a connection.
    if (written !== undefined) return written.session === session && write > written.write;
    return version >= (this.#restored.get(page) ?? 0);
  }

  /**
   * A page has been restored. Pages come in any order, and many may be of one write: only when all have come does the
   * session count as having been heard up to the last of them. If its connection breaks before, it sends all of them again.
   */
  onRestored(session: string, write: number, page: PageIndex, version: Epoch): void {
    this.onOldNews(session, write);
    this.#addUnstable(page, page + 1);
    if (this.#isRecovering) this.#restored.set(page, version);
  }

  /**
   * A page that has come was older than what is here. It counts as taken all the same:
   *
   * 1. A has a copy of its write 5; B has written the page since. The home restarts, and A's copy is refused.
   * 2. B syncs, which must put A's 5 on record, and drops its own copy.
   * 3. The home restarts again before A has synced: A's copy comes once more, and must be refused by that record.
   */
  onOldNews(session: string, write: number): void {
    this.#restoring.set(session, Math.max(write, this.#restoring.get(session) ?? 0));
  }

  /** The session has restored all it had to. */
  endRestores(session: string): void {
    this.#taken.set(session, Math.max(this.taken(session), this.#restoring.get(session) ?? 0));
    this.#restoring.delete(session);
  }

  /** The session has closed the file, or ended: it keeps no copies. */
  forget(session: string): void {
    this.#taken.delete(session);
    this.#restoring.delete(session);
    const { [session]: _gone, ...others } = this.#stable;
    this.#stable = others;
  }

  endRecovery(): void {
    this.#isRecovering = false;
    this.#restored.clear();
    this.#written.clear();
  }

  /**
   * A sync begins. @returns what to do when it has succeeded, and what must then be put on record before anybody hears of
   * it: others may keep copies of what it covers, and after a restart must not restore them over what came later. Any other
   * session that has written since the last record may: that its own sync succeeded does not mean that it has heard so.
   */
  beginSync(session: string): { readonly record: StableWrites | undefined; readonly end: () => void } {
    const sync = this.#syncNext++;
    const taken = [...this.#taken];
    const others = taken.some(([other, write]) => other !== session && write > (this.#stable[other] ?? 0));
    const record = others ? { ...this.#stable, ...Object.fromEntries(taken) } : undefined;
    return {
      record,
      end: () => {
        if (record !== undefined) this.#stable = { ...this.#stable, ...record };
        this.#settle(sync);
      },
    };
  }

  /** One line for people: what is not stable, and what has been taken, restored and recorded of whom. */
  describe(): string {
    const writes = (of: Iterable<readonly [string, number]>) =>
      [...of].map(([who, write]) => `${who} !${write}`).join(" ");
    const restored = [...this.#restored].map(([page, version]) => `${page} @${version}`).join(" ");
    const written = [...this.#written].map(([page, { session, write }]) => `${page} ${session} !${write}`).join(" ");
    const back = `restored ${restored}; written ${written}; restoring ${writes(this.#restoring)}`;
    const stable = `stable ${writes(Object.entries(this.#stable))}`;
    return `unstable ${this.#unstable.describe()}, next sync @${this.#syncNext}; taken ${writes(this.#taken)}; ${stable}; ${back}`;
  }

  #addUnstable(start: PageIndex, end: PageIndex): void {
    this.#unstable.set(start, end, Mode.write, this.#syncNext);
    if (this.#unstable.count > runsMax) this.#unstable.set(0, pageMax, Mode.write, this.#syncNext);
  }

  #settle(sync: number): void {
    const unstable = this.#unstable;
    for (let index = unstable.count - 1; index >= 0; index--) {
      if (unstable.epoch(index) <= sync) unstable.set(unstable.start(index), unstable.end(index), Mode.none, 0);
    }
  }
}
