import { nowMicros } from "../kernel/clock.js";
import type { HomeRequests } from "./home-requests.js";
import type { OpenFile } from "./open-files.js";

/** Gives files back to the home: everything dirty, then every token, and then the file is closed there. */
export class GiveBack {
  readonly #requests: HomeRequests;

  constructor(requests: HomeRequests) {
    this.#requests = requests;
  }

  /** `onGiven`: also of a file that the home does not know any more, which has nothing to be given. */
  give(open: OpenFile, onGiven: () => void, onFail: (error: unknown) => void): void {
    const args = () => ({ file: open.file.frames.number });
    const onFailed = (error: unknown) => (open.isGone ? onGiven() : onFail(error));
    const ask = () => this.#requests.ask({ op: "close", args, onReply: onGiven, onFail: onFailed });
    open.file.leave(nowMicros(), () => this.#whenStable(open, ask));
  }

  /**
   * R20: what is kept of a file goes with it, so the home has to have it all on stable storage before:
   *
   * 1. A keeps a copy of what it wrote to a page; B has written the page since, and closes the file. 2. The home is killed, and
   * A, as it should, sends its copy. 3. Nobody is left who knows that B's was newer, though B lives.
   */
  #whenStable(open: OpenFile, act: () => void): void {
    const { writes, frames } = open.file;
    if (!writes.isUnstable && frames.growth.unstableBytes === 0) return act();
    writes.sync((error) => {
      if (error === undefined || !this.#requests.retry(error, () => this.#whenStable(open, act))) act();
    });
  }
}
