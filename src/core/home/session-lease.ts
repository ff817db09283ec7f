import type { Micros } from "../units.js";

/** A question that is looked at fewer times than this is not overdue, whatever the clock says. */
const looksMin = 4;

interface Question {
  readonly question: object;
  readonly sinceMicros: Micros;
  looks: number;
}

/**
 * How long a node's session has been silent, and how long it has left a question unanswered: what ends it. A node that is
 * asked to give way and cannot yet says so (its pings do, as long as a hold stands in the way), and may take its time.
 */
export class SessionLease {
  readonly #questions = new Map<object, Question>();
  #heardMicros: Micros;
  #deferredMicros: Micros = 0;

  constructor(heardMicros: Micros) {
    this.#heardMicros = heardMicros;
  }

  get heardMicros(): Micros {
    return this.#heardMicros;
  }

  heard(nowMicros: Micros): void {
    this.#heardMicros = Math.max(this.#heardMicros, nowMicros);
  }

  /** It knows what it was asked, and cannot answer yet. */
  deferred(nowMicros: Micros): void {
    this.#deferredMicros = nowMicros;
  }

  isSilent(leaseMicros: Micros, nowMicros: Micros): boolean {
    return nowMicros - this.#heardMicros > leaseMicros;
  }

  /**
   * Whether what the node has been asked about `file` has been open for a lease. `question` is the same object for as long as
   * it is the same question; undefined when there is none. Looked at several times, too: a home that was stopped itself has
   * answers waiting in its sockets.
   */
  isOverdue(file: object, question: object | undefined, leaseMicros: Micros, nowMicros: Micros): boolean {
    const known = this.#questions.get(file);
    if (question === undefined) this.#questions.delete(file);
    else if (known?.question !== question) this.#questions.set(file, { question, sinceMicros: nowMicros, looks: 0 });
    else {
      known.looks++;
      return known.looks >= looksMin && nowMicros - Math.max(known.sinceMicros, this.#deferredMicros) > leaseMicros;
    }
    return false;
  }

  /** The node has the file no more. */
  forget(file: object): void {
    this.#questions.delete(file);
  }

  /** A node that cannot be heard, or is not read from, has no chance to answer: its time begins anew. */
  forgetQuestions(): void {
    this.#questions.clear();
  }
}
