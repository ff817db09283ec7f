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
 *
 * Silence ends a session at once, since by then its node has taken its pages away (R15). A question left open does not: the
 * pings of the node were answered meanwhile, so it may act on what it holds. Its home condemns it, which is to hear it no
 * more; and the silence that begins with that ends the session.
 */
export class SessionLease {
  readonly #questions = new Map<object, Question>();
  #isCondemned = false;
  #heardMicros: Micros;
  #deferredMicros: Micros = 0;

  constructor(heardMicros: Micros) {
    this.#heardMicros = heardMicros;
  }

  get heardMicros(): Micros {
    return this.#heardMicros;
  }

  get isCondemned(): boolean {
    return this.#isCondemned;
  }

  heard(nowMicros: Micros): void {
    if (!this.#isCondemned) this.#heardMicros = Math.max(this.#heardMicros, nowMicros);
  }

  /** From here on nothing renews it. The last answer to a ping went out before this. */
  condemn(nowMicros: Micros): void {
    this.heard(nowMicros);
    this.#isCondemned = true;
  }

  /** It knows what it was asked, and cannot answer yet. */
  deferred(nowMicros: Micros): void {
    this.#deferredMicros = nowMicros;
  }

  isSilent(leaseMicros: Micros, nowMicros: Micros): boolean {
    return nowMicros - this.#heardMicros > leaseMicros;
  }

  /**
   * Whether what the node has been asked about `about` has been open for a lease. `question` is the same object for as long as
   * it is the same question; undefined when there is none. Looked at several times, too: a home that was stopped itself has
   * answers waiting in its sockets. `mayDefer`: a node that says that it knows has more time.
   */
  isOverdue(
    about: object,
    question: object | undefined,
    leaseMicros: Micros,
    nowMicros: Micros,
    mayDefer = true,
  ): boolean {
    const known = this.#questions.get(about);
    if (question === undefined) this.#questions.delete(about);
    else if (known?.question !== question) this.#questions.set(about, { question, sinceMicros: nowMicros, looks: 0 });
    else {
      known.looks++;
      const sinceMicros = mayDefer ? Math.max(known.sinceMicros, this.#deferredMicros) : known.sinceMicros;
      return known.looks >= looksMin && nowMicros - sinceMicros > leaseMicros;
    }
    return false;
  }

  /** Whether it was asked anything when that was last looked at. */
  get hasQuestions(): boolean {
    return this.#questions.size > 0;
  }

  /** The node has no more to do with it. */
  forget(about: object): void {
    this.#questions.delete(about);
  }

  /** A node that cannot be heard, or is not read from, has no chance to answer: its time begins anew. */
  forgetQuestions(): void {
    this.#questions.clear();
  }
}
