import type { DmmapError } from "../core/error.js";
import { pageBytes } from "../core/units.js";
import type { ControlOperations, Opened, Welcome } from "../core/wire/control.js";
import { nowMicros } from "../kernel/clock.js";
import { say } from "../kernel/standard-error.js";
import { goneError } from "./gone-error.js";
import { soundOpened } from "./home-answers.js";
import type { HomeConnection } from "./home-connection.js";
import { type HomeRequests, isDown } from "./home-requests.js";
import type { NodeEvents } from "./node-commands.js";
import type { OpenFile, OpenFiles } from "./open-files.js";
import type { Pins } from "./pins.js";
import type { NodeRangeLocks } from "./range-locks.js";

const sessionEnded = "the session ended before they could be sent";
const takingStock = "the home is taking stock of who holds what";

/**
 * `down`: the home cannot be reached, and what is held stays good. `lapsed`: the lease may be over, and nothing may be used
 * (R15). `resumed`, `recovering`: what is held stays good after all. `new`: it is gone. `usable`: the session goes on.
 */
export type SessionChange = "down" | "lapsed" | Welcome["state"] | "usable";

/** What a session has to do with. */
export interface SessionParts {
  readonly connection: HomeConnection;
  readonly requests: HomeRequests;
  readonly files: OpenFiles;
  readonly locks: NodeRangeLocks;
  readonly pins: Pins;
  emit<Name extends keyof NodeEvents>(event: Name, value: NodeEvents[Name]): void;
  onChange(change: SessionChange): void;
  /** Calls `done` when nothing is left of what was told on a lease. */
  beforeRecovered(done: () => void): void;
}

/**
 * This node's session with its home across lost connections, restarts of the home, and leases that ran out.
 *
 * | the home says | what was held | what was not known to be stable |
 * |---|---|---|
 * | `resumed`, `recovering` | is claimed, and goes on | is sent again (R20) |
 * | `new` | is gone: every page is dropped, every file opened anew | is lost, and reported |
 */
export class NodeSession {
  readonly #parts: SessionParts;
  /** Of the connection: what was begun over one that is lost does not go on. */
  #era = 0;
  /** Why nothing comes from the home just now; empty when it does. */
  downReason = "";
  /** Since when that is so; Infinity while it is not. */
  downSince = Number.POSITIVE_INFINITY;

  constructor(parts: SessionParts) {
    this.#parts = parts;
  }

  onDown(error: DmmapError): void {
    this.#era++;
    this.downReason = error.message;
    this.downSince = Math.min(this.downSince, nowMicros());
    for (const { file } of this.#parts.files.all()) file.onDisconnected();
    this.#parts.onChange("down");
    this.#parts.emit("disconnect", { message: error.message });
  }

  /** R15: from here on every shared page may be somebody else's. */
  onLapsed(): void {
    for (const { file } of this.#parts.files.all()) file.suspend();
    this.#parts.onChange("lapsed");
  }

  /** The connection is there again. */
  onUp({ state }: Welcome): void {
    this.downReason = takingStock;
    this.#parts.requests.pause();
    this.#parts.onChange(state);
    if (state === "new") this.#begin();
    else this.#reclaim(state);
  }

  /** Everything that cannot be sent any more is lost: says so. */
  lose(open: OpenFile): void {
    open.file.loseSession((start, end) => this.reportLost(open, start, end));
  }

  /** Says of pages that what was stored to them is gone. */
  reportLost({ id, file }: OpenFile, start: number, end: number, why = sessionEnded): void {
    this.#parts.emit("lost", { file: id, start, end });
    const range = `bytes ${start * pageBytes}..${end * pageBytes}`;
    say(`stores to ${file.name}, ${range}, are lost: ${why}`);
  }

  #reclaim(state: "resumed" | "recovering"): void {
    this.#eachFile((open, done) => {
      if (state === "resumed" && this.#parts.files.byNumber(open.file.frames.numberLast) !== open)
        this.#restart(open, done);
      else if (state === "resumed") this.#reclaimFile(open, open.file.frames.number, done);
      else this.#reopen(open, done, ({ file: number }) => this.#reclaimFile(open, number, done));
    });
  }

  #reclaimFile(open: OpenFile, number: number, done: () => void): void {
    const { connection, files, locks } = this.#parts;
    open.file.restoreAndClaim(number, () => {
      const { epoch: newest } = open.file.tokens;
      connection.request("claimed", { file: number, epoch: newest, duty: open.file.tellDuty() }, (answer, error) => {
        if (answer === undefined) {
          if (!isDown(error)) done(); // The home has closed it, and the connection took the answer to that with it.
          return; // Else all this begins anew.
        }
        const { size, epoch, refused } = answer as ControlOperations["claimed"]["reply"];
        files.renumber(open, number);
        open.file.onClaimed(size, epoch, refused, (start, end) => this.reportLost(open, start, end));
        this.#parts.emit("resize", { file: open.id, size });
        locks.claim(open, () => reportLostLocks(open), done);
      });
    });
  }

  #begin(): void {
    const { files, locks } = this.#parts;
    for (const open of files.all()) this.lose(open);
    locks.clear(files.all(), reportLostLocks);
    this.#eachFile((open, done) => this.#restart(open, done));
  }

  /** Opens a file anew of which nothing is held any more. A connection that breaks meanwhile leaves it to the next. */
  #restart(open: OpenFile, done: () => void): void {
    this.#reopen(open, done, (opened) => {
      this.begin(open, opened);
      done();
    });
  }

  /** The file has been opened in the present session, where this node holds nothing of it. */
  begin(open: OpenFile, { file: number, size, growsHere }: Opened): void {
    open.isGone = false;
    this.#parts.files.renumber(open, number);
    open.file.startSession(number, size);
    if (growsHere === true) open.file.frames.growth.opened();
    this.#parts.emit("resize", { file: open.id, size });
  }

  /** Opens a file in the new session. One that cannot be opened loses what was stored; threads in its maps stall, and say why. */
  #reopen(open: OpenFile, done: () => void, onOpened: (opened: Opened) => void): void {
    const { connection, files } = this.#parts;
    files.forgetNumber(open);
    connection.request(open.again.op, open.again.args(), (answer, error) => {
      const opened = answer === undefined ? undefined : soundOpened(answer);
      if (isDown(error)) return; // All this begins anew.
      open.isGone = opened === undefined;
      if (opened !== undefined) return onOpened(opened);
      open.goneReason = `${open.file.name} cannot be opened again: ${error?.message ?? "no sound answer to open"}`;
      this.#onGone(open);
      done();
    });
  }

  /** Nobody answers for the file any more: whoever waits for that hears it. */
  #onGone(open: OpenFile): void {
    const { file } = open;
    const error = goneError(file.name);
    this.lose(open);
    this.#parts.locks.clear([open], reportLostLocks);
    file.writes.failSyncs(error);
    this.#parts.pins.fail(file, error);
    file.onGone();
  }

  /** Runs `act` for every file, and goes on with what was parked when all are done. */
  #eachFile(act: (open: OpenFile, done: () => void) => void): void {
    const files = [...this.#parts.files.all()];
    let waiting = files.length;
    const done = () => {
      waiting--;
      if (waiting === 0) this.#goOn();
    };
    if (files.length === 0) this.#goOn();
    for (const open of files) act(open, done);
  }

  /** The home counts all leases of before as given up when it hears `recovered`. */
  #goOn(): void {
    const era = this.#era;
    this.#parts.beforeRecovered(() => {
      if (era === this.#era) this.#recovered();
    });
  }

  #recovered(): void {
    const { connection, requests } = this.#parts;
    connection.request("recovered", {}, () => undefined);
    this.downReason = "";
    this.downSince = Number.POSITIVE_INFINITY;
    this.#parts.onChange("usable");
    this.#parts.emit("reconnect", {});
    requests.resume();
  }
}

function reportLostLocks({ file }: OpenFile): void {
  say(`locks on ${file.name} are lost: the session ended in which they were held`);
}
