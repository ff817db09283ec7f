import { Failures } from "../core/failures.js";
import type { Micros } from "../core/units.js";
import type { AttributeChanges, Attributes, Time } from "../core/wire/attributes.js";
import { nowMicros } from "../kernel/clock.js";
import { Errno } from "../kernel/errno.js";
import { hasSetId } from "../kernel/set-id.js";
import { say } from "../kernel/standard-error.js";
import { errnoOf } from "./errno-of.js";
import { tellMicros } from "./stored-times.js";

/** Every disk has the times from 1901 to 2038, in seconds of 32 bits. */
const secondsMax = 2 ** 31;

export interface AttributesBehindNode {
  /** Asks the home over the present connection, if there is one. `isClaim`: ahead of what others ask. */
  setAttributes(changes: AttributeChanges, isClaim: boolean, onEnd: (error: unknown) => void): void;
  /** Has `tell` called before the home is asked whatever else, and then at the latest. */
  onUntold(tellAt: Micros): void;
  /** What the home has told of the file's attributes is not so any more. */
  outdated(): void;
}

/**
 * The mode, the owner and the times of a file that this mount has made, as long as nobody else sees or changes them: who unpacks or
 * copies files sets all of them on each, right after it has made it. Such a change waits for nobody, and the home hears of several
 * at once, before whatever else it is asked. Only of changes that the home would not refuse: of the mode of a file that it has
 * made, and of times.
 *
 * A program that has been answered has been promised something. So what the home has not confirmed is said again when the
 * connection is back, before the home serves others; and if it refuses all the same, the next fsync or close fails.
 */
export class AttributesBehind {
  /** Changes that the home has refused, or that are lost, and why the last one was. */
  readonly failures = new Failures();
  failedErrno = 0;
  readonly #name: string;
  readonly #node: AttributesBehindNode;
  readonly #term: () => number | undefined;
  /** As programs of this mount see them; undefined where the home decides. */
  #attributes: Attributes | undefined;
  /** In which that is so. */
  #attributesTerm = 0;
  #untold: AttributeChanges | undefined;
  #tellAt: Micros = Number.POSITIVE_INFINITY;
  /** What the home has been told, and has not confirmed, in order. */
  #told: AttributeChanges[] = [];
  #waiters: (() => void)[] = [];
  #isTelling = false;

  /** `term`: as long as it is the same, nobody else sees or changes the file (FileGrowth); undefined when others may. */
  constructor(name: string, node: AttributesBehindNode, term: () => number | undefined) {
    this.#name = name;
    this.#node = node;
    this.#term = term;
  }

  /** The home is just being told, and whatever it is to hear before. */
  get isTelling(): boolean {
    return this.#isTelling;
  }

  /** When the home is to be told at the latest; Infinity when there is nothing to tell. */
  get tellAt(): Micros {
    return this.#tellAt;
  }

  /** The home has made the file, for this mount. */
  made(attributes: Attributes): void {
    const term = this.#term();
    if (term === undefined) return;
    this.#attributes = attributes;
    this.#attributesTerm = term;
  }

  /** The home has changed it, as a program of this mount asked. */
  answered(attributes: Attributes): void {
    if (this.#attributes !== undefined) this.#attributes = attributes;
  }

  /** A name of it has come or gone. `links`: how many it has by now, if that is known. */
  relinked(links: number | undefined): void {
    const known = this.#attributes;
    this.#attributes = known === undefined || links === undefined ? undefined : { ...known, links };
  }

  /** @returns how the file is from now on; undefined when the home has to be asked */
  change(changes: AttributeChanges): Attributes | undefined {
    const { mode, uid, gid, atime, mtime } = changes;
    if (this.#term() !== this.#attributesTerm) this.#attributes = undefined;
    const known = this.#attributes;
    if (known === undefined || hasSetId(known.mode) || (mode !== undefined && hasSetId(mode))) return undefined;
    if ((uid ?? known.uid) !== known.uid || (gid ?? known.gid) !== known.gid) return undefined;
    if (!isPlainTime(atime) || !isPlainTime(mtime)) return undefined;
    this.#attributes = {
      ...known,
      mode: mode ?? known.mode,
      atime: atime ?? known.atime,
      mtime: mtime ?? known.mtime,
      ctime: timeNow(),
    };
    this.#untold = { ...this.#untold, ...changes };
    this.#node.outdated();
    if (this.#tellAt === Number.POSITIVE_INFINITY) {
      this.#tellAt = nowMicros() + tellMicros;
      this.#node.onUntold(this.#tellAt);
    }
    return this.#attributes;
  }

  /** The home hears of all changes so far. */
  tell(): void {
    const changes = this.#take();
    if (changes === undefined) return;
    this.#isTelling = true;
    this.#ask(changes, false);
    this.#isTelling = false;
  }

  /** The connection is lost: what the home has not been told is to be claimed, too, as that comes first. */
  onDown(): void {
    this.#take();
  }

  /** Calls `done` when the home has confirmed all that it has been told. */
  whenConfirmed(done: () => void): void {
    if (this.#told.length === 0) done();
    else this.#waiters.push(done);
  }

  /** The connection is back, and the home serves nobody else before this is done. */
  claim(done: () => void): void {
    for (const changes of [...this.#told]) this.#ask(changes, true);
    this.whenConfirmed(done);
  }

  /** The session is over, and others may have changed the file since. */
  lose(): void {
    this.end();
    this.#settle();
  }

  /** The mount ends: nobody waits any more, and nothing is sent. Says what is lost. */
  end(): void {
    this.#take();
    const isLost = this.#told.length > 0;
    this.#attributes = undefined;
    this.#told = [];
    if (!isLost) return;
    this.#failed(Errno.EIO);
    say(`changes of the mode or the times of ${this.#name} are lost: the session ended before they could be sent`);
  }

  #failed(errno: number): void {
    this.failedErrno = errno;
    this.failures.add();
  }

  /** What the home is about to be told. */
  #take(): AttributeChanges | undefined {
    const changes = this.#untold;
    this.#untold = undefined;
    this.#tellAt = Number.POSITIVE_INFINITY;
    if (changes !== undefined) this.#told.push(changes);
    return changes;
  }

  #ask(changes: AttributeChanges, isClaim: boolean): void {
    this.#node.setAttributes(changes, isClaim, (error) => {
      const index = this.#told.indexOf(changes);
      if (index < 0) return; // The session is another one's by now.
      this.#told.splice(index, 1);
      if (error !== undefined) this.#onRefused(error);
      this.#settle();
    });
  }

  #onRefused(error: unknown): void {
    this.#attributes = undefined;
    this.#failed(errnoOf(error));
    say(`the home refused to change the mode or the times of ${this.#name}: ${(error as Error).message}`);
  }

  #settle(): void {
    if (this.#told.length === 0) for (const waiter of this.#waiters.splice(0)) waiter();
  }
}

/** Not "now", which is by the home's clock; nor what its disk may have no room for. */
function isPlainTime(time: Time | "now" | undefined): time is Time | undefined {
  return time === undefined || (time !== "now" && time[0] >= -secondsMax && time[0] < secondsMax);
}

function timeNow(): Time {
  const millis = Date.now();
  return [Math.floor(millis / 1000), (millis % 1000) * 1e6];
}
