import { fileBytesMax } from "../core/units.js";
import type { Time } from "../core/wire/attributes.js";

/** A second. */
const microsMax = 1_000_000;
/** What a home takes. */
const nodeNameLengthMax = 1024;
/** The largest means to Linux that the owner stays. */
const ownerMax = 2 ** 32 - 2;
const nanosMax = 999_999_999;

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

export function checkNodeName(value: unknown): string {
  const name = checkName(value, "name");
  if (name.length > nodeNameLengthMax)
    throw new RangeError(`name has at most ${nodeNameLengthMax} characters, not ${name.length}`);
  return name;
}

/** @returns milliseconds; Infinity for none. */
export function checkMillis(value: unknown, name: string): number {
  if (typeof value !== "number") throw new TypeError(`${name} must be a number of milliseconds, not ${typeof value}`);
  if (!(value >= 0)) throw new RangeError(`${name} must be 0 milliseconds or more, not ${value}`);
  return value;
}

export function checkOwner(value: unknown, name: string): number {
  if (typeof value !== "number") throw new TypeError(`${name} must be a number, not ${typeof value}`);
  if (!Number.isInteger(value) || value < 0 || value > ownerMax)
    throw new RangeError(`${name} must be a whole number from 0 to ${ownerMax}, not ${value}`);
  return value;
}

export function checkMode(value: unknown): number {
  if (typeof value !== "number") throw new TypeError(`mode must be a number, not ${typeof value}`);
  if (!Number.isInteger(value) || value < 0 || value > 0o7777)
    throw new RangeError(`mode must be permissions from 0 to 0o7777, not ${value}`);
  return value;
}

export function checkTime(value: unknown, name: string): Time | "now" {
  if (value === "now") return value;
  const [seconds, nanos] = value instanceof Date ? partsOf(value) : Array.isArray(value) ? (value as unknown[]) : [];
  if (typeof seconds !== "number" || typeof nanos !== "number")
    throw new TypeError(`${name} must be a Date, [seconds, nanoseconds] or "now"`);
  if (!Number.isSafeInteger(seconds) || !Number.isInteger(nanos) || nanos < 0 || nanos > nanosMax)
    throw new RangeError(`${name} must be a time of whole seconds, and of nanoseconds from 0 to ${nanosMax}`);
  return [seconds, nanos];
}

function partsOf(date: Date): Time {
  const millis = date.getTime();
  const seconds = Math.floor(millis / 1000);
  return [seconds, Math.round((millis - seconds * 1000) * 1_000_000)];
}

/** An option that is written wrong would else be left out without a word. */
export function checkKeys(options: object, known: readonly string[], what: string): void {
  const unknown = Object.keys(options).find((key) => !known.includes(key));
  if (unknown !== undefined) throw new TypeError(`${what} has no option "${unknown}"; there are ${known.join(", ")}`);
}
