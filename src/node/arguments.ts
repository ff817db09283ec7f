import { fileBytesMax } from "../core/units.js";

/** A second. */
const microsMax = 1_000_000;

/** The caller's mistakes, told before anything is touched. */
export function checkOffset(value: unknown, name: string): number {
  if (typeof value !== "number") throw new TypeError(`${name} must be a number of bytes, not ${typeof value}`);
  if (!Number.isInteger(value) || value < 0 || value > fileBytesMax) {
    throw new RangeError(`${name} must be a whole number of bytes from 0 to 2^53 - 1, not ${value}`);
  }
  return value;
}

export function checkMicros(value: unknown, name: string): number {
  if (typeof value !== "number") throw new TypeError(`${name} must be a number of microseconds, not ${typeof value}`);
  if (!Number.isInteger(value) || value < 0 || value > microsMax) {
    throw new RangeError(`${name} must be a whole number of microseconds from 0 to ${microsMax}, not ${value}`);
  }
  return value;
}

export function checkName(value: unknown, name: string): string {
  if (typeof value !== "string") throw new TypeError(`${name} must be a string, not ${typeof value}`);
  return value;
}

export function checkChoice<T extends string>(value: unknown, name: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === value);
  if (found !== undefined) return found;
  throw new TypeError(`${name} must be ${choices.map((choice) => `"${choice}"`).join(" or ")}, not ${String(value)}`);
}
