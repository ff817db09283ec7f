/**
 * What has failed of a file, for everybody who has it open: each hears of it once, as on Linux (errseq_t). So who closes one
 * descriptor takes nothing from who syncs through another.
 */
export class Failures {
  /** So many so far. */
  count = 0;
  /** So many of them somebody has heard of. */
  heardCount = 0;

  add(): void {
    this.count++;
  }

  /** For one who opens the file: what nobody has heard of yet is for him, too. */
  listener(): FailureListener {
    return new FailureListener(this);
  }
}

export class FailureListener {
  readonly #failures: Failures;
  #heardCount: number;

  constructor(failures: Failures) {
    this.#failures = failures;
    this.#heardCount = failures.heardCount;
  }

  /** Whether anything has failed of which this one has not heard. */
  take(): boolean {
    const { count } = this.#failures;
    if (count === this.#heardCount) return false;
    this.#heardCount = count;
    this.#failures.heardCount = count;
    return true;
  }
}
