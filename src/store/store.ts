import type { DmmapError } from "../core/error.js";
import type { ByteOffset, PageIndex, Policy } from "../core/units.js";
import type { Time } from "../core/wire/attributes.js";
import type { FileStat } from "../core/wire/control.js";
import type { Tree } from "./tree.js";

export interface OpenOptions {
  readonly create?: boolean | undefined;
  /** With `create`: fails with DMMAP_EXISTS when the file is there. */
  readonly exclusive?: boolean | undefined;
  /** Of a file that is created; its pages are a hole. */
  readonly size?: ByteOffset | undefined;
  /** Of a file that is created; kept with it for good. */
  readonly policy?: Policy | undefined;
}

export interface ListQuery {
  /** Only names behind this one. */
  readonly after?: string | undefined;
  readonly limit?: number | undefined;
  readonly prefix?: string | undefined;
}

export interface ListPage {
  readonly files: FileStat[];
  readonly more: boolean;
}

export type SyncDone = (error: DmmapError | undefined) => void;

/**
 * Where a home keeps its files. All verbs but `sync` are synchronous, for the engine's thread, and throw DmmapError.
 * Names are relative POSIX paths (`names.ts`). The suite in test/store/describe-store.ts is the contract in full.
 */
export interface Store {
  /** Opens a file. Two opens of one file, by whatever names, give the same object; each open wants its own close. */
  open(name: string, options?: OpenOptions): { readonly file: StoreFile; readonly created: boolean };
  stat(name: string): FileStat;
  /** Regular files in the order of their names' UTF-16 units, at most `limit` (1000). */
  list(query?: ListQuery): ListPage;
  /** An open file stays open. A file that had the new name is replaced, and lives on for those who have it open. */
  rename(from: string, to: string): void;
  /** An open file lives until its last close. */
  remove(name: string): void;

  /** The same files, and all else that has a name, as a filesystem. */
  readonly tree: Tree;

  /** A small text that the home keeps for its next start. Undefined when there is none by that name. */
  readNote(name: string): string | undefined;
  /** Replaces the text, durably and as a whole; an empty one removes it. Throws DMMAP_NO_SPACE, DMMAP_IO. */
  writeNote(name: string, text: string): void;
  /** Removes the note, if the disk lets it; that need not be durable. */
  removeNote(name: string): void;
  /** The names of all notes that begin with `folder` and a slash. */
  noteNames(folder: string): string[];

  /**
   * Puts on stable storage whatever has been written before this call, by a home before this one too. Waits for it. Throws
   * DMMAP_IO, DMMAP_NO_SPACE.
   */
  syncAll(): void;

  /** Readable when syncs have ended; then call `onWake`. -1 when syncs end at once. */
  readonly wakeFd: number;
  onWake(): void;
  /** Bytes that the disk refused and that are kept in memory instead: call `retry` every now and then while there are any. */
  readonly refusedBytes: number;
  retry(): void;
  /** Gives everything back, open files included. What was not synced is in the hands of the operating system. */
  close(): void;
}

/** An open file. Addresses are of native memory; page counts are whole, clipped to the file's size by the store. */
export interface StoreFile {
  /** Tells files apart, however they are named. */
  readonly key: string;
  /** Its number in the store's tree. */
  readonly inode: number;
  /** False of a file that was opened for reading only, since this home may not write it: then it takes no writes. */
  readonly mayWrite: boolean;
  readonly policy: Policy;
  readonly sizeBytes: ByteOffset;
  /** Whether nothing leads to it any more: who does not have it open will never see it. */
  readonly isRemoved: boolean;
  /** Copies pages [start, end) to memory. A hole, and what is past the end of the file, reads as zeros. */
  read(start: PageIndex, end: PageIndex, to: number): void;
  /**
   * Takes pages [start, end) from memory. Zero pages over a hole leave the hole. What the disk refuses is kept in memory
   * and tried again; `sync` tells.
   *
   * @returns false when there is no more room in memory either: try the same again later. Part of it may have been taken.
   */
  write(start: PageIndex, end: PageIndex, from: number): boolean;
  /** As `write` with zero pages. */
  writeZeros(start: PageIndex, end: PageIndex): boolean;
  /** The first page at or after `start`, before `end`, that may hold something; `end` when all of it is a hole. */
  nextData(start: PageIndex, end: PageIndex): PageIndex;
  /** The first page at or after `start`, before `end`, that begins a hole; `end` when there is none. */
  nextHole(start: PageIndex, end: PageIndex): PageIndex;
  /** Cut pages are gone; new ones are a hole. */
  setSize(sizeBytes: ByteOffset): void;
  /** Sets the time of the last change to the content, which every write and resize sets to the present. */
  setModified(time: Time | "now"): void;
  /** Gives bytes [start, start + length) room on the disk, so that writing them cannot fail for want of it. Size and content stay. */
  allocate(start: ByteOffset, length: number): void;
  /** Pages of [start, end) that are all zeros become holes, where the disk knows such. */
  deallocate(start: PageIndex, end: PageIndex): void;
  /**
   * Puts all that was written before this call on stable storage, with the file's name. `done` is called once, perhaps
   * before this returns; else from `onWake`. Not `isUrgent`: nobody waits for it, so those for which somebody does go first.
   */
  sync(done: SyncDone, isUrgent?: boolean): void;
  close(): void;
}
