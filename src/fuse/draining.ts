import type { Micros } from "../core/units.js";
import { nowMicros } from "../kernel/clock.js";
import { say } from "../kernel/standard-error.js";
import type { Node } from "../node/node.js";
import type { MountFile } from "./mount-file.js";

/** After so long it is said what is waited for. */
const stallMicros = 1_000_000;

/**
 * The end of a mount that nobody uses any more: everything that programs wrote goes onto the home's disk; if the home is away,
 * when it is back. Who unmounted it has had his answer from the kernel: so it is said what this process is still there for.
 */
export class Draining {
  readonly #node: Node;
  readonly #mountPoint: string;
  readonly #since = nowMicros();
  readonly #waiting: Set<MountFile>;
  readonly #onDone: (hasAll: boolean) => void;
  #isTold = false;
  #hasFailed = false;

  constructor(node: Node, mountPoint: string, files: readonly MountFile[], onDone: (hasAll: boolean) => void) {
    this.#node = node;
    this.#mountPoint = mountPoint;
    this.#waiting = new Set(files);
    this.#onDone = onDone;
  }

  start(): void {
    if (this.#waiting.size === 0) return this.#onDone(true);
    this.#node.addTimer((now) => this.#look(now));
    this.#node.wakeAt(this.#since + stallMicros);
    for (const file of [...this.#waiting]) this.#node.sync(file.open, (error) => this.#onSynced(file, error));
  }

  /** An error is its file's own: it has had all the time there is. */
  #onSynced(file: MountFile, error: Error | undefined): void {
    if (error !== undefined) this.#fail(error);
    this.#waiting.delete(file);
    if (this.#waiting.size > 0) return;
    if (this.#isTold && !this.#hasFailed)
      say(`${this.#mountPoint}: the home has taken all, after ${this.#waited(nowMicros())}`);
    this.#onDone(!this.#hasFailed);
  }

  #fail(error: Error): void {
    this.#hasFailed = true;
    say(`at the end of the mount: ${error.message}`);
  }

  #look(now: Micros): Micros {
    if (this.#isTold || this.#waiting.size === 0) return Number.POSITIVE_INFINITY;
    if (now < this.#since + stallMicros) return this.#since + stallMicros;
    this.#isTold = true;
    const [first] = this.#waiting;
    const others = this.#waiting.size === 1 ? "" : ` and ${this.#waiting.size - 1} more`;
    const what = `the home to take what was written to ${first.open.file.name}${others}`;
    const reason = this.#node.downReason || "it has not answered yet";
    say(`${this.#mountPoint} is unmounted, and has waited for ${this.#waited(now)} for ${what}: ${reason}`);
    return Number.POSITIVE_INFINITY;
  }

  #waited(now: Micros): string {
    return `${((now - this.#since) / 1e6).toFixed(1)} s`;
  }
}
