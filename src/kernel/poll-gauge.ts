/** So many waits of one kind in a row turn the decision round. */
const countMax = 4;

/**
 * Whether it pays to poll for a moment before sleeping: a saturating counter over the last waits, as in a branch predictor. To
 * sleep costs the waker an interrupt to another processor, and on a virtual machine an exit; to poll costs a processor until
 * something comes. KVM decides likewise before it halts a virtual processor (Documentation/virt/kvm/halt-polling.rst).
 */
export class PollGauge {
  /** For how long a poll is worth more than a sleep. */
  readonly limitMicros: number;
  #count = 0;

  constructor(limitMicros: number) {
    this.limitMicros = limitMicros;
  }

  get pays(): boolean {
    return this.#count > 0;
  }

  /** Something came after so long; Infinity: nothing did before the poll was given up. */
  came(afterMicros: number): void {
    const isSoon = afterMicros < this.limitMicros;
    this.#count = Math.max(-countMax, Math.min(countMax, this.#count + (isSoon ? 1 : -1)));
  }
}
