import { availableParallelism } from "node:os";
import { nowMicros } from "./clock.js";
import { CpuLatency } from "./cpu-latency.js";
import { Epoll } from "./epoll.js";
import * as libc from "./libc.js";
import { PollGauge } from "./poll-gauge.js";

/** About two wake-ups of another processor, on a virtual machine. */
const spinMicrosDefault = 100;

/** What is expected is looked for so often before all the rest is. */
const looksPerRound = 4;
/** What was expected comes first so often in a row: what others ask of this process must not wait for long. */
const expectedMax = 4;
/** A yield that takes longer has given the processor to somebody who wants it. */
const yieldMicrosMax = 4;

/** What a loop does so that nobody has to wake it, where that has paid of late. */
export interface Polling {
  /**
   * For how long it polls at most before it sleeps; 0 for never. Default 100; where there is one processor 0, since whoever is to
   * bring something needs it.
   */
  readonly spinMicros?: number | undefined;
  /** Within how long idle processors are to wake up meanwhile (see CpuLatency); 0: they poll. Default: as the system has it. */
  readonly cpuLatencyMicros?: number | undefined;
}

/** An epoll set for a loop that mostly waits for somebody who answers at once: polls before it sleeps, as long as that pays. */
export class PollingEpoll extends Epoll {
  readonly #gauge: PollGauge;
  readonly #spinMicros: number;
  readonly #latency: CpuLatency | undefined;
  #expectedInRow = 0;
  /**
   * Serves what is likely to come next, and says whether that has come. While polling it is asked first, and more often than the
   * whole set: one system call instead of two. `wait` then returns 0.
   */
  expected: (() => boolean) | undefined;

  constructor({ spinMicros, cpuLatencyMicros }: Polling = {}) {
    super();
    this.#spinMicros = spinMicros ?? (availableParallelism() > 1 ? spinMicrosDefault : 0);
    this.#latency = cpuLatencyMicros === undefined ? undefined : new CpuLatency(cpuLatencyMicros);
    this.#gauge = new PollGauge(Math.max(this.#spinMicros, this.#latency === undefined ? 0 : spinMicrosDefault));
  }

  override wait(timeoutMicros: number): number {
    const { limitMicros, pays } = this.#gauge;
    if (limitMicros === 0 || timeoutMicros <= 0) return super.wait(timeoutMicros);
    const start = nowMicros();
    if (pays) this.#latency?.hold(start);
    if (!pays || this.#spinMicros === 0) {
      const count = this.#sleep(start, timeoutMicros);
      if (count > 0) this.#gauge.came(nowMicros() - start);
      return count;
    }
    const end = start + Math.min(this.#spinMicros, timeoutMicros);
    let looks = looksPerRound;
    for (let now = start; now < end; ) {
      const isServed = this.#serveExpected(looks);
      const count = isServed ? 0 : super.wait(0);
      if (isServed || count > 0) {
        this.#gauge.came(0);
        return count;
      }
      const before = nowMicros();
      libc.schedYield(); // To whoever else wants this processor: perhaps the one that is waited for.
      now = nowMicros();
      looks = now - before > yieldMicrosMax ? 1 : looksPerRound;
    }
    this.#gauge.came(Number.POSITIVE_INFINITY);
    return this.#sleep(end, Math.max(0, timeoutMicros - this.#spinMicros));
  }

  override close(): void {
    this.#latency?.release();
    super.close();
  }

  /** @returns whether what is expected had come. */
  #serveExpected(looks: number): boolean {
    if (this.expected !== undefined && this.#expectedInRow < expectedMax) {
      this.#expectedInRow++;
      for (let look = 0; look < looks; look++) if (this.expected?.()) return true;
    }
    this.#expectedInRow = 0;
    return false;
  }

  /** Sleeps. When that is for long, processors may do so, too. */
  #sleep(nowMicros: number, timeoutMicros: number): number {
    const heldMicros = (this.#latency?.releaseAt ?? Number.POSITIVE_INFINITY) - nowMicros;
    if (heldMicros >= timeoutMicros) return super.wait(timeoutMicros);
    const count = heldMicros > 0 ? super.wait(heldMicros) : 0;
    if (count > 0) return count;
    this.#latency?.release();
    return super.wait(timeoutMicros - Math.max(0, heldMicros));
  }
}
