import { UsageError } from "./command.js";

/** In seconds. */
export interface SecondsRange {
  readonly min: number;
  readonly max: number;
}

/** @returns milliseconds. */
export function parseSeconds(text: string, option: string, range?: SecondsRange): number {
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  const isFine = range === undefined ? seconds > 0 : seconds >= range.min && seconds <= range.max;
  if (isFine) return Math.round(seconds * 1000);
  const which = range === undefined ? "above 0" : `from ${range.min} to ${range.max}`;
  throw new UsageError(`${option} is a number of seconds ${which}, not ${JSON.stringify(text)}`);
}

/** @returns microseconds, at most a second of them. */
export function parseMicros(text: string, option: string): number {
  const micros = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(micros <= 1_000_000))
    throw new UsageError(`${option} is a whole number of microseconds up to 1000000, not ${JSON.stringify(text)}`);
  return micros;
}
