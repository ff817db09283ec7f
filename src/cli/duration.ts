import { UsageError } from "./command.js";

/** For people: the two largest units. */
export function formatSeconds(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

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
