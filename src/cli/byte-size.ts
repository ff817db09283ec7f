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
