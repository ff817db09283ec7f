import { UsageError } from "./command.js";

/** A place in a volume. `name` is empty for the volume itself. */
export interface Location {
  /** What `connect` takes. */
  readonly volume: string;
  readonly name: string;
}

/**
 * Cuts `dmmap://HOST:PORT/path/file`. The name is taken as it stands, as other tools do with objects of a bucket: a file
 * called `50%` needs no escape.
 */
export function parseLocation(url: string): Location {
  const match = /^(dmmap:\/\/[^/]+)(?:\/(.*))?$/s.exec(url);
  if (match === null)
    throw new UsageError(`${JSON.stringify(url)} is no dmmap URL: dmmap://HOST:PORT or dmmap://HOST:PORT/path/file`);
  return { volume: match[1], name: match[2] ?? "" };
}

export function parseVolume(url: string): string {
  const { volume, name } = parseLocation(url);
  if (name !== "") throw new UsageError(`this verb takes a volume, not a file in it: try ${volume}`);
  return volume;
}

export function parseFile(url: string): Location {
  const location = parseLocation(url);
  if (location.name === "") throw new UsageError(`the file's name is missing: ${location.volume}/path/file`);
  return location;
}

/** Where a file goes, as cp has it: a target that ends in `/`, or is the volume itself, is a folder. */
export function intoFolder(target: Location, baseName: string): Location {
  const isFolder = target.name === "" || target.name.endsWith("/");
  return isFolder ? { volume: target.volume, name: `${target.name}${baseName}` } : target;
}
