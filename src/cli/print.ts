import { visible } from "../kernel/visible.js";
import { describeFailure } from "./failure.js";

/** A terminal obeys what a name may hold; a program that reads wants it as it is. */
export function printLines(lines: readonly string[]): void {
  for (const line of lines) console.log(process.stdout.isTTY ? visible(line) : line);
}

export function printJson(value: unknown): void {
  console.log(JSON.stringify(value, undefined, 2));
}

/** `dmmap ls … | head` ends quietly when its reader does, like any other tool. A full disk behind it is a failure like any other. */
export function watchOutput(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
    const { lines, exitCode } = describeFailure("", error);
    for (const line of lines) console.error(line);
    process.exit(exitCode);
  });
}
