import { pageBytes } from "../kernel/page-size.js";

/** Pages [start, end). */
export interface PageRange {
  readonly start: number;
  readonly end: number;
}

/**
 * The pages of a byte range (R8): the begin rounded down and the **end** up, so that every page with a byte of it counts.
 * Length 0 means to the end of file. Exact for all offsets up to 2^53.
 */
export function pageRange(start: number, length: number, sizeBytes: number): PageRange {
  assertOffset("start", start);
  assertOffset("length", length);
  const endBytes = length === 0 ? Math.max(start, sizeBytes) : start + length;
  if (endBytes > Number.MAX_SAFE_INTEGER) throw new RangeError(`start + length must be at most 2^53 - 1`);
  return { start: Math.floor(start / pageBytes), end: Math.ceil(endBytes / pageBytes) };
}

/** Throws unless it is a byte offset, length or size: a whole number from 0 to 2^53 - 1. */
export function assertOffset(name: string, value: unknown): asserts value is number {
  if (typeof value !== "number") throw new TypeError(`${name} must be a number of bytes, not ${typeof value}`);
  if (Number.isSafeInteger(value) && value >= 0) return;
  throw new RangeError(`${name} must be a whole number of bytes from 0 to 2^53 - 1, not ${value}`);
}
