export interface ScreenSize {
  readonly columns: number;
  readonly rows: number;
}

/** The alternate screen, without a cursor; lines that are too long after all are cut by the terminal, and not wrapped. */
const enter = "\u001b[?1049h\u001b[?25l\u001b[?7l";
const leave = "\u001b[?7h\u001b[?25h\u001b[?1049l";
const toTop = "\u001b[H";
const clearToEndOfLine = "\u001b[K";
const clearBelow = "\u001b[J";
/** For a terminal that does not know how large it is, such as a serial line. */
const usualSize: ScreenSize = { columns: 80, rows: 24 };

/** A terminal's whole screen, from the first drawing to `leave`, which gives back what was there before. */
export class FullScreen {
  readonly #output = process.stdout;
  #draw: ((size: ScreenSize) => readonly string[]) | undefined;
  #hasEnded = false;

  /** @param draw the lines for a screen of this size; asked again whenever the size changes. */
  show(draw: (size: ScreenSize) => readonly string[]): void {
    if (this.#hasEnded) return; // A look that came too late.
    if (this.#draw === undefined) {
      process.on("exit", this.leave); // Whatever ends the process.
      this.#output.on("resize", this.#redraw).write(enter);
    }
    this.#draw = draw;
    this.#redraw();
  }

  /** Gives the screen back for a while. */
  suspend(): void {
    if (this.#isShown) this.#output.write(leave);
  }

  resume(): void {
    if (!this.#isShown) return;
    this.#output.write(enter);
    this.#redraw();
    process.kill(process.pid, "SIGWINCH"); // The kernel tells a new size to the foreground alone, which this was not.
  }

  get #isShown(): boolean {
    return this.#draw !== undefined && !this.#hasEnded;
  }

  /** Idempotent. */
  readonly leave = (): void => {
    if (this.#isShown) {
      process.off("exit", this.leave);
      this.#output.off("resize", this.#redraw).write(leave);
    }
    this.#hasEnded = true;
  };

  /** Writes over what is there, in one piece: a screen that is cleared first flickers. */
  readonly #redraw = (): void => {
    const size = { columns: this.#output.columns || usualSize.columns, rows: this.#output.rows || usualSize.rows };
    const lines = this.#draw?.(size) ?? [];
    this.#output.write(`${toTop}${lines.map((line) => `${line}${clearToEndOfLine}`).join("\r\n")}${clearBelow}`);
  };
}
