import { UsageError } from "./command.js";

/** @returns milliseconds. */
export function parseSeconds(text: string, option: string): number {
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (!(seconds > 0)) throw new UsageError(`${option} is a number of seconds above 0, not ${JSON.stringify(text)}`);
  return Math.round(seconds * 1000);
}

/** @returns microseconds, at most a second of them. */
export function parseMicros(text: string, option: string): number {
  const micros = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(micros <= 1_000_000))
    throw new UsageError(`${option} is a whole number of microseconds up to 1000000, not ${JSON.stringify(text)}`);
  return micros;
}
