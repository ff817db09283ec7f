import { writeSync } from "node:fs";
import { visible } from "./visible.js";

/**
 * Says something on standard error, from any thread: a stream would need the main one, which may be waiting in a fault. That
 * nobody listens (the reader of a pipe has gone, the disk of a log is full) is no reason to fail. One line, whatever names in it hold.
 */
export function say(text: string): void {
  try {
    writeSync(2, `dmmap: ${visible(text)}\n`);
  } catch {
    // Nobody can be told.
  }
}
