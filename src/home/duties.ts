import { TokenRanges } from "../core/token-ranges.js";
import { type Epoch, Mode, type PageIndex, pageMax } from "../core/units.js";

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
  readonly #taken = new Map<string, number>();
  /** Sessions that have written since their own last sync: they keep copies. */
  readonly #keepers = new Set<string>();
  /** After a restart: the writes that are on stable storage, and the versions that have been restored over the rest. */
  readonly #stable: Readonly<StableWrites>;
  readonly #restored = new Map<PageIndex, Epoch>();
  #syncNext = 1;

  constructor(stable: Readonly<StableWrites> = {}) {
    this.#stable = stable;
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
    this.#keepers.add(session);
    this.#unstable.set(start, end, Mode.write, this.#syncNext);
    if (this.#unstable.count > runsMax) this.#unstable.set(0, pageMax, Mode.write, this.#syncNext);
  }

  /** Whether a page that a node sends after a restart is newer than what the disk has and what others have sent. */
  mayRestore(session: string, page: PageIndex, version: Epoch, write: number): boolean {
    if (write > 0 && write <= (this.#stable[session] ?? 0)) return false;
    return version >= (this.#restored.get(page) ?? 0);
  }

  onRestored(page: PageIndex, version: Epoch): void {
    this.#restored.set(page, version);
  }

  endRecovery(): void {
    this.#restored.clear();
  }

  /**
   * A sync begins. @returns what to do when it has succeeded, and what must then be put on record before anybody hears of
   * it: others have kept copies of what it covers, and after a restart must not restore them over what came later.
   */
  beginSync(session: string): { readonly record: StableWrites | undefined; readonly end: () => void } {
    const sync = this.#syncNext++;
    const taken = this.taken(session);
    const others = [...this.#keepers].some((keeper) => keeper !== session);
    return {
      record: others ? { ...this.#stable, ...Object.fromEntries(this.#taken) } : undefined,
      end: () => {
        if (this.taken(session) === taken) this.#keepers.delete(session);
        this.#settle(sync);
      },
    };
  }

  #settle(sync: number): void {
    const unstable = this.#unstable;
    for (let index = unstable.count - 1; index >= 0; index--) {
      if (unstable.epoch(index) <= sync) unstable.set(unstable.start(index), unstable.end(index), Mode.none, 0);
    }
  }
}
