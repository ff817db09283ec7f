import { DmmapError } from "../core/error.js";
import type { OpenFile } from "./open-files.js";
import type { Pins } from "./pins.js";

/**
 * Files that are being closed: what was asked of one before that is done by then, or fails; nothing more is asked of it; and who
 * opens it meanwhile waits until it is closed, as the home gives it the same number.
 */
export class ClosingFiles {
  readonly #pins: Pins;
  readonly #waiting = new Map<OpenFile, (() => void)[]>();

  constructor(pins: Pins) {
    this.#pins = pins;
  }

  /** What its pins have brought is used first: then its pages may go. */
  begin(open: OpenFile): void {
    if (open.isClosing) return;
    this.#pins.drain();
    open.isClosing = true;
    this.#pins.fail(open.file, closedError(open));
    this.#pins.drain();
    this.#waiting.set(open, []);
  }

  /** It is closed, or could not be, and is open as before. */
  end(open: OpenFile): void {
    open.isClosing = false;
    const waiting = this.#waiting.get(open) ?? [];
    this.#waiting.delete(open);
    for (const act of waiting) act();
  }

  /** @returns whether `act` is called later: when the file, which is being closed, is so */
  whenEnded(open: OpenFile | undefined, act: () => void): boolean {
    const waiting = open === undefined ? undefined : this.#waiting.get(open);
    waiting?.push(act);
    return waiting !== undefined;
  }
}

function closedError({ file }: Pick<OpenFile, "file">): DmmapError {
  return new DmmapError("DMMAP_CLOSED", `${file.name} has been closed`);
}
