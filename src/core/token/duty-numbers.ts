/**
 * Numbers the duties of a node's session (R20). Pages that were only seen share a number until the home has been told of it:
 * so a file that is read through is one range of pages, and not one for each fault.
 */
export class DutyNumbers {
  #last = 0;
  #isTold = true;

  /** The last that there is. */
  get last(): number {
    return this.#last;
  }

  /** For pages that are being written back: their frame tells the home of it. */
  next(): number {
    this.#isTold = true;
    return ++this.#last;
  }

  /** For pages that have come. */
  seen(): number {
    if (this.#isTold) this.#last++;
    this.#isTold = false;
    return this.#last;
  }

  /** The last, for a message to the home. */
  tell(): number {
    this.#isTold = true;
    return this.#last;
  }
}
