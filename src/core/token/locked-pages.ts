import { type Epoch, Mode, type PageIndex } from "../units.js";
import { type WantedPages, wantedPagesMax, wantedRunsMax } from "../wire/lock-frame.js";

/** Pages that were asked for while a lock was held. */
interface Run {
  readonly start: PageIndex;
  readonly end: PageIndex;
  mode: Mode;
  /** How often of late other nodes have had it between two locks of this one. */
  taken: number;
  /** Whether a program has touched it since the last lock, and how many locks have passed without that. */
  isUsed: boolean;
  unusedLocks: number;
  /** Whether it stayed here at the last unlock. */
  isKept: boolean;
  /** The newest epoch when it was given back; -1 when it was not. */
  givenAt: Epoch;
}

export interface LeavingPages {
  readonly start: PageIndex;
  readonly end: PageIndex;
}

/** What a file's token machine and its shell do for `LockedPages`. */
export interface LockedPagesPort {
  /** The newest heard of. */
  epoch(): Epoch;
  allows(mode: Mode, start: PageIndex, end: PageIndex): boolean;
  bring(mode: Mode, start: PageIndex, end: PageIndex): void;
  giveBack(start: PageIndex, end: PageIndex): void;
}

const runsMax = wantedRunsMax;
/** A lock protects a few records. Who streams through a file under a lock is served by readahead. */
const runPagesMax = wantedPagesMax;
const takenMax = 3;
const unusedLocksMax = 4;
/** Taken so often, a run is given back with the lock instead of being asked back right after. */
const takenToGive = 2;

/** Those of the token machine count from 1. */
const requestMin = 2 ** 31;
const requestMax = 2 ** 32 - 1;
const nothing: readonly WantedPages[] = [];

/**
 * An advisory lock hands over what it protects. Programs that share records under locks touch the same few pages after each
 * lock; each of these moves would cost a question to the home, and one from there to who holds the page. So a node that
 * has seen others take such pages between its locks asks for them with the lock, and the home grants them with it if they
 * are free by then; else it asks as soon as it has the lock, before its program touches them. It gives them back with the
 * unlock. Where nobody else wants them, it soon stops doing so.
 *
 * Only a matter of speed: tokens decide, as always.
 */
export class LockedPages {
  readonly #port: LockedPagesPort;
  #runs: Run[] = [];
  #isBringing = false;
  #requestLast = requestMin;
  /** Whether any lock of the file is held on this node. */
  isLocked = false;

  constructor(port: LockedPagesPort) {
    this.#port = port;
  }

  /** The home is being asked for these. */
  acquired(mode: Mode, start: PageIndex, end: PageIndex): void {
    if (!this.isLocked || end - start > runPagesMax) return;
    const known = this.#runs.find((run) => run.start <= start && run.end >= end);
    if (known === undefined) {
      if (this.#runs.length === runsMax) this.#runs.shift();
      this.#runs.push({ start, end, mode, taken: 0, isUsed: true, unusedLocks: 0, isKept: false, givenAt: -1 });
    } else if (!this.#isBringing) {
      if (known.givenAt >= 0) known.taken = 0; // Needed again without another lock: it should have been kept.
      if (mode > known.mode) known.mode = mode;
      known.isUsed = true;
    }
  }

  /** A program touches these, and the node had to do something for it. */
  used(start: PageIndex, end: PageIndex): void {
    for (const run of this.#runs) if (run.start < end && run.end > start) run.isUsed = true;
  }

  /** A token has come. One that nobody else has had since it was given back was given in vain. */
  granted(start: PageIndex, end: PageIndex, epoch: Epoch): void {
    for (const run of this.#runs) {
      if (run.givenAt < 0 || run.start < start || run.end > end) continue;
      if (epoch <= run.givenAt + 1) run.taken = 0;
      run.givenAt = -1;
    }
  }

  /** A lock is being asked for: the pages that will be wanted with it, and are not here. */
  wanted(): readonly WantedPages[] {
    let wanted: WantedPages[] | undefined;
    for (const { mode, start, end, unusedLocks, isUsed } of this.#runs) {
      if ((unusedLocks > 0 && !isUsed) || this.#port.allows(mode, start, end)) continue;
      wanted ??= [];
      wanted.push({ request: this.#nextRequest(), mode, start, end });
    }
    return wanted ?? nothing;
  }

  /** A lock has been granted. */
  locked(): void {
    this.isLocked = true;
    if (this.#runs.length === 0) return;
    for (const run of this.#runs) run.unusedLocks = run.isUsed ? 0 : run.unusedLocks + 1;
    this.#runs = this.#runs.filter((run) => run.unusedLocks <= unusedLocksMax);
    this.#isBringing = true;
    for (const run of this.#runs) this.#bring(run);
    this.#isBringing = false;
  }

  /** The pages that go with the lock which is about to be given up. */
  *leaving(): Generator<LeavingPages> {
    for (const run of this.#runs) if (this.#isLeaving(run)) yield run;
  }

  /** A lock is being given up; `isLast`: no other is held. */
  unlocked(isLast: boolean): void {
    this.isLocked = !isLast;
    for (const run of this.#runs) {
      const isLeaving = this.#isLeaving(run);
      run.isKept = !isLeaving && this.#port.allows(run.mode, run.start, run.end);
      if (!isLeaving) continue;
      run.givenAt = this.#port.epoch();
      this.#port.giveBack(run.start, run.end);
    }
  }

  #isLeaving({ mode, start, end, taken, isUsed }: Run): boolean {
    return isUsed && taken >= takenToGive && this.#port.allows(mode, start, end);
  }

  #nextRequest(): number {
    this.#requestLast = this.#requestLast === requestMax ? requestMin : this.#requestLast + 1;
    return this.#requestLast;
  }

  #bring(run: Run): void {
    run.isUsed = false;
    if (this.#port.allows(run.mode, run.start, run.end)) {
      if (run.isKept) run.taken = Math.max(0, run.taken - 1);
    } else {
      if (run.givenAt < 0) run.taken = Math.min(takenMax, run.taken + 1);
      this.#port.bring(run.mode, run.start, run.end);
    }
    run.isKept = false;
  }
}
