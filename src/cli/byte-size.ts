import { UsageError } from "./command.js";

const unitBytes: Readonly<Record<string, number>> = { "": 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/** A size as coreutils' truncate takes it: whole bytes, or with K, M, G or T (powers of 1024). */
export function parseByteSize(text: string): number {
  const match = /^(\d+)([KMGT]?)$/.exec(text);
  if (match === null) {
    throw new UsageError(`${JSON.stringify(text)} is no size: whole bytes, 0 or more, perhaps with K, M, G or T (64M)`);
  }
  const bytes = Number(match[1]) * unitBytes[match[2]];
  if (!Number.isSafeInteger(bytes))
    throw new UsageError(`the size ${text} is too large: a file has fewer than 2^53 bytes`);
  return bytes;
}

/** For people: three digits and a unit. */
export function formatByteSize(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let value = bytes;
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}
