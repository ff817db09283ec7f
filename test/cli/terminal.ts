import { Program } from "../support/program.js";
import { until } from "../support/until.js";
import { dmmapScript } from "./dmmap.js";

const script = new URL("../../../test/cli/programs/terminal.py", import.meta.url).pathname;
const toTop = "\u001b[H";

/** A command in a terminal of its own. Whatever its test does, it is killed in the end. */
export class TerminalProgram {
  readonly program: Program;
  /** All that was written to the terminal so far. */
  written = "";

  constructor(args: readonly string[], { rows, columns }: { rows: number; columns: number }) {
    this.program = new Program(dmmapScript, args, {}, undefined, ["python3", script, String(rows), String(columns)]);
    this.program.child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.written += text;
    });
  }

  /** How often the whole screen was drawn. */
  get drawings(): number {
    return this.written.split(toTop).length - 1;
  }

  /** The lines of the last drawing, without what clears the rest of each. */
  get lines(): string[] {
    const last = this.written.split(toTop).at(-1) ?? "";
    return last.split("\u001b[J")[0].replaceAll("\u001b[K", "").split(/\r+\n/);
  }

  /** Waits until a whole drawing is so. */
  async shows(truth: string, condition: (lines: readonly string[]) => boolean): Promise<void> {
    await until(truth, () => this.drawings > 0 && this.written.endsWith("\u001b[J") && condition(this.lines), 20_000);
  }

  type(keys: string): void {
    this.program.say(`keys ${keys}`);
  }

  resize(rows: number, columns: number): void {
    this.program.say(`size ${rows} ${columns}`);
  }

  signal(number: number): void {
    this.program.say(`signal ${number}`);
  }

  /** Waits until the command has stopped so often. @returns whether the terminal's settings were what they had been before it */
  async stops(times: number): Promise<boolean> {
    await until(`stop ${times}`, () => this.#states.length === times, 20_000);
    return this.#states[times - 1].restored;
  }

  /** Brings the command to the foreground. */
  continue(): void {
    this.program.say("continue");
  }

  /** @returns the exit code, and whether the terminal's settings are what they were. */
  async end(): Promise<{ code: number | null; restored: boolean }> {
    const { code } = await this.program.end();
    return { code, restored: this.#states.at(-1)?.restored === true };
  }

  get #states(): { is: "stopped" | "ended"; restored: boolean }[] {
    const lines = this.program.errors.split("\n").slice(0, -1);
    return lines.map((line) => JSON.parse(line) as { is: "stopped" | "ended"; restored: boolean });
  }

  [Symbol.dispose](): void {
    this.program.kill("SIGTERM"); // The command's terminal is gone with it, which ends that.
  }
}
