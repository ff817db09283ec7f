import { createHash } from "node:crypto";
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { DmmapError } from "../core/error.js";

const suffix = ".note";
/** Where the second of a note's two places begins in its file. A longer note than this cannot be kept. */
const placeBytes = 16 * 1024 * 1024;
/** Of each place, so much is on the disk from the start: a full disk does not stop a note of this length. */
const reservedBytes = 64 * 1024;

interface Kept {
  /** The place with the higher number is the newer. */
  readonly number: number;
  readonly text: string;
  readonly digest: string;
}

/**
 * Small texts that a home keeps beside its files: each replaced as a whole, and durable when `write` returns.
 *
 * A note has two places in its file, written in turn, each with a number and, at its end, a digest: a write that was cut short
 * leaves the other place as it was, and is followed by one to the same place. Unlike a new file and a rename, that needs no room
 * on the disk but what is reserved.
 */
export class NotesFolder {
  readonly #path: string;
  readonly #numbers = new Map<string, number>();
  /** Descriptors of reserved notes: a process that has no other left can write those. */
  readonly #reserved = new Map<string, number>();

  constructor(path: string) {
    this.#path = path;
  }

  /** Takes the room for a note. Without it the note may not find any later, which its `write` tells then. */
  reserve(name: string): void {
    const path = this.#file(name);
    try {
      mkdirSync(dirname(path), { recursive: true });
      const isNew = !existsSync(path);
      const file = openSync(path, isNew ? "w" : "r+", 0o600);
      this.#reserved.set(name, file);
      if (!isNew) return;
      for (const place of [0, placeBytes]) writeAll(file, Buffer.alloc(reservedBytes), place);
      syncFolder(dirname(path));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw noteError(name, error);
    }
  }

  close(): void {
    for (const file of this.#reserved.values()) closeSync(file);
    this.#reserved.clear();
  }

  read(name: string): string | undefined {
    let file: Buffer;
    try {
      file = readFileSync(this.#file(name));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw noteError(name, error);
    }
    const places = [keptIn(file.subarray(0, placeBytes)), keptIn(file.subarray(placeBytes))];
    const newest = places.reduce((one, other) => ((other?.number ?? 0) > (one?.number ?? 0) ? other : one), undefined);
    this.#numbers.set(name, newest?.number ?? 0);
    return newest?.text || undefined;
  }

  /** An empty text is none. */
  write(name: string, text: string): void {
    if (!this.#numbers.has(name)) this.read(name);
    const number = (this.#numbers.get(name) ?? 0) + 1;
    const kept: Kept = { number, text, digest: digestOf(number, text) };
    const bytes = Buffer.from(`${JSON.stringify(kept)}\0`);
    try {
      if (bytes.length > placeBytes) throw new RangeError(`${bytes.length} bytes are too many for a note`);
      this.#put(name, bytes, (number % 2) * placeBytes);
      this.#numbers.set(name, number);
    } catch (error) {
      throw noteError(name, error);
    }
  }

  /** If the disk lets it. Not durable: the note may be there again after a power failure. */
  remove(name: string): void {
    this.#numbers.delete(name);
    try {
      unlinkSync(this.#file(name));
    } catch {
      // It is gone already, or stays.
    }
  }

  /** Of the notes in this folder. */
  names(folder: string): string[] {
    try {
      const files = readdirSync(join(this.#path, folder)).filter((file) => file.endsWith(suffix));
      return files.map((file) => `${folder}/${file.slice(0, -suffix.length)}`);
    } catch {
      return []; // There is no such folder.
    }
  }

  #put(name: string, bytes: Buffer, at: number): void {
    const reserved = this.#reserved.get(name);
    if (reserved !== undefined) return putDown(reserved, bytes, at);
    const path = this.#file(name);
    const isNew = !existsSync(path);
    mkdirSync(dirname(path), { recursive: true });
    const file = openSync(path, isNew ? "w" : "r+", 0o600);
    try {
      putDown(file, bytes, at);
    } finally {
      closeSync(file);
    }
    if (isNew) syncFolder(dirname(path));
  }

  #file(name: string): string {
    return join(this.#path, `${name}${suffix}`);
  }
}

/** @returns undefined when nothing whole is there: never written, or cut short. */
function keptIn(place: Buffer): Kept | undefined {
  const end = place.indexOf(0);
  if (end <= 0) return undefined;
  try {
    const kept = JSON.parse(place.toString("utf8", 0, end)) as Kept;
    return kept.digest === digestOf(kept.number, kept.text) ? kept : undefined;
  } catch {
    return undefined;
  }
}

function digestOf(number: number, text: string): string {
  return createHash("sha256").update(`${number}:${text}`).digest("hex");
}

function putDown(file: number, bytes: Buffer, at: number): void {
  writeAll(file, bytes, at);
  fsyncSync(file);
}

/** A disk with room for a part takes that, and says so by a count alone. */
function writeAll(file: number, bytes: Buffer, at: number): void {
  for (let done = 0; done < bytes.length; ) {
    const count = writeSync(file, bytes, done, bytes.length - done, at + done);
    if (count === 0) throw new Error(`the disk took ${done} of ${bytes.length} bytes`);
    done += count;
  }
}

function syncFolder(path: string): void {
  const folder = openSync(path, "r");
  fsyncSync(folder);
  closeSync(folder);
}

function noteError(name: string, cause: unknown): DmmapError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const isFull = (cause as NodeJS.ErrnoException).code === "ENOSPC";
  const code = isFull ? "DMMAP_NO_SPACE" : "DMMAP_IO";
  return new DmmapError(code, `the home cannot keep its note "${name}": ${reason}`, { cause });
}
