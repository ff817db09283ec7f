import { TokenRanges } from "../token-ranges.js";
import { type Epoch, Mode, type PageIndex, pageMax } from "../units.js";

/** Beyond this many runs of unstable pages, the whole file counts as unstable until the next sync. */
const runsMax = 4096;

/** The last duty of each session that has come to rest on stable storage, by session id. */
export type StableDuties = Readonly<Record<string, number>>;

/**
 * Who answers for what of one file until it is on stable storage (R20), as the home sees it: which pages it has not
 * synced, of which duties of each session it has heard, and, after a restart, what may be restored.
 *
 * A session numbers its duties: its writes, and the unstable pages that it received. The home has heard of one when it has
 * taken the write, or when a release or the end of the claims names it; so before anybody can store to a page that a node
 * has received, the home has heard of that duty, and whatever sync covers the store puts it on record.
 */
export class Duties {
  /** Unstable pages; in the place of the epoch, the number of the sync that will end it. */
  readonly #unstable = new TokenRanges();
  /** Of each session the duty up to which all have been heard of. */
  readonly #heard = new Map<string, number>();
  /** The duties that are at rest, as they are on record. */
  #stable: StableDuties;
  /** After a restart: the newest version of each page that has come. */
  readonly #restored = new Map<PageIndex, Epoch>();
  /** After a restart: pages that were written again since, and for which duty of whom. */
  readonly #written = new Map<PageIndex, { readonly session: string; readonly duty: number }>();
  #isRecovering: boolean;
  #syncNext = 1;

  constructor(stable: StableDuties = {}, isRecovering = false) {
    this.#stable = stable;
    this.#isRecovering = isRecovering;
  }

  isUnstable(start: PageIndex, end: PageIndex): boolean {
    return this.#unstable.count > 0 && this.#unstable.strongest(start, end) !== Mode.none;
  }

  /** The session has said that this is the last duty that it took on; whatever it sent for it and those before has come. */
  heard(session: string, duty: number): void {
    this.#heard.set(session, Math.max(duty, this.#heardOf(session)));
  }

  onWrite(session: string, duty: number, start: PageIndex, end: PageIndex): void {
    this.heard(session, duty);
    this.#addUnstable(start, end);
    if (!this.#isRecovering) return;
    // Under a token that was claimed: whatever others restore of these pages, later than this, is older than this.
    for (let page = start; page < end; page++) this.#written.set(page, { session, duty });
  }

  /** Whether a page that a node within its lease sends again had been lost with a connection. */
  mayResend(session: string, duty: number): boolean {
    return duty > this.#heardOf(session);
  }

  /** Whether a page that a node sends after a restart is newer than what the disk has and what others have sent. */
  mayRestore(session: string, page: PageIndex, version: Epoch, duty: number): boolean {
    if (duty <= (this.#stable[session] ?? 0)) return false;
    const written = this.#written.get(page);
    // Its own later write may have been lost with a connection.
    if (written !== undefined) return written.session === session && duty > written.duty;
    return version >= (this.#restored.get(page) ?? 0);
  }

  /**
   * A page has been restored. Pages come in any order, and many may be of one duty: the session counts as having been heard
   * when its claims end. If its connection breaks before, it sends all of them again.
   */
  onRestored(page: PageIndex, version: Epoch): void {
    this.#addUnstable(page, page + 1);
    if (this.#isRecovering) this.#restored.set(page, version);
  }

  /** The session has closed the file, or ended: it keeps no copies. */
  forget(session: string): void {
    this.#heard.delete(session);
    const { [session]: _gone, ...others } = this.#stable;
    this.#stable = others;
  }

  endRecovery(): void {
    this.#isRecovering = false;
    this.#restored.clear();
    this.#written.clear();
  }

  /**
   * A sync begins, for a session or of the home's own accord. @returns what to do when it has succeeded, and what must then
   * be put on record before anybody hears of it: others may keep copies of what it covers, and after a restart must not
   * restore them over what came later. Any other session of which a duty has been heard since the last record may: that its
   * own sync succeeded does not mean that it has heard so.
   */
  beginSync(session?: string): { readonly record: StableDuties | undefined; readonly end: () => void } {
    const sync = this.#syncNext++;
    const heard = [...this.#heard];
    const others = heard.some(([other, duty]) => other !== session && duty > (this.#stable[other] ?? 0));
    const record = others ? { ...this.#stable, ...Object.fromEntries(heard) } : undefined;
    return {
      record,
      end: () => {
        if (record !== undefined) this.#stable = { ...this.#stable, ...record };
        this.#settle(sync);
      },
    };
  }

  /** One line for people: what is not stable, and what has been heard, restored and recorded of whom. */
  describe(): string {
    const duties = (of: Iterable<readonly [string, number]>) =>
      [...of].map(([who, duty]) => `${who} !${duty}`).join(" ");
    const restored = [...this.#restored].map(([page, version]) => `${page} @${version}`).join(" ");
    const written = [...this.#written].map(([page, { session, duty }]) => `${page} ${session} !${duty}`).join(" ");
    const stable = `stable ${duties(Object.entries(this.#stable))}`;
    const back = `restored ${restored}; written ${written}`;
    return `unstable ${this.#unstable.describe()}, next sync @${this.#syncNext}; heard ${duties(this.#heard)}; ${stable}; ${back}`;
  }

  #heardOf(session: string): number {
    return this.#heard.get(session) ?? 0;
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
