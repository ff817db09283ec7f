import { formatByteSize } from "../observe/quantities.js";

const redrawMillisMin = 100;
const barCells = 24;

/** Where a bar is drawn. */
export interface Terminal {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** Draws on a terminal's stderr, and nowhere else: a log file gets nothing. */
export class ProgressBar {
  readonly #label: string;
  readonly #totalBytes: number | undefined;
  readonly #terminal: Terminal;
  readonly #startedMillis = performance.now();
  #drawnMillis = Number.NEGATIVE_INFINITY;
  #doneBytes = 0;

  /** @param totalBytes undefined when nobody knows: a pipe. */
  constructor(label: string, totalBytes: number | undefined, terminal: Terminal = process.stderr) {
    this.#terminal = terminal;
    this.#label = label;
    this.#totalBytes = totalBytes;
  }

  reach(doneBytes: number): void {
    this.#doneBytes = doneBytes;
    const now = performance.now();
    if (this.#terminal.isTTY !== true || now - this.#drawnMillis < redrawMillisMin) return;
    this.#drawnMillis = now;
    this.#terminal.write(`\r${this.#line()}\u001b[K`);
  }

  end(): void {
    if (this.#terminal.isTTY !== true) return;
    const seconds = (performance.now() - this.#startedMillis) / 1000;
    this.#terminal.write(`\r${this.#label}  ${formatByteSize(this.#doneBytes)} in ${seconds.toFixed(1)} s\u001b[K\n`);
  }

  /** Leaves the line as it is, for the error that follows. */
  abandon(): void {
    if (this.#terminal.isTTY === true && this.#drawnMillis > 0) this.#terminal.write("\n");
  }

  #line(): string {
    const seconds = Math.max((performance.now() - this.#startedMillis) / 1000, 0.001);
    const bytesPerSecond = this.#doneBytes / seconds;
    const rate = `${formatByteSize(bytesPerSecond)}/s`;
    if (this.#totalBytes === undefined) return `${this.#label}  ${formatByteSize(this.#doneBytes)}  ${rate}`;
    const share = this.#totalBytes === 0 ? 1 : this.#doneBytes / this.#totalBytes;
    const full = Math.round(share * barCells);
    const bar = "█".repeat(full) + "░".repeat(barCells - full);
    const left =
      bytesPerSecond === 0 ? "" : `${Math.ceil((this.#totalBytes - this.#doneBytes) / bytesPerSecond)} s left`;
    return `${this.#label}  ${bar} ${String(Math.floor(share * 100)).padStart(3)} %  ${rate}  ${left}`;
  }
}
