import type { ByteOffset } from "../core/units.js";
import type { Handle } from "./handles.js";

/** A WRITE of the kernel. Exactly one of `written` and `fail` is called, once. */
export interface WriteRequest {
  /** Where to write; where it was written, after an append. */
  offset: ByteOffset;
  readonly byteLength: number;
  /** Whether the kernel has these bytes in its cache too, and keeps the page locked until the answer. */
  isCached: boolean;
  /** Whether the kernel has them in its cache elsewhere, where they are not to be: as good as not at all. */
  isMoved: boolean;
  /** Whether these are stores to shared maps, which the kernel now writes down: they have happened already. */
  readonly isFlush: boolean;
  readonly isAppend: boolean;
  /** Of an append: that `offset` is the end of the file, for which the token is held. It is extended from there. */
  isAtEnd: boolean;
  /** Through whom it is written, if it has to be on stable storage before the answer. */
  readonly syncFor: Handle | undefined;
  /** What the kernel takes for the file's end, at least, when it has the answer. */
  readonly knownEnd: ByteOffset;
  /** Linux id of the thread that writes. */
  readonly thread: number;
  onGiveUp: ((errno: number) => void) | undefined;
  /** Calls `act` when it has been written, or will not be: at the answer, or earlier, upon `done`. */
  whenDone(act: () => void): void;
  done(): void;
  /** Whether somebody waits for the answer. */
  readonly isWaitedFor: boolean;
  /** Answers with this errno, though it may be written still: then it is in full. */
  giveUp(errno: number): void;
  /** The bytes, until the call that brought the request returns; after `keep`, until the answer. */
  address(): number;
  /** The answer will come later. */
  keep(): void;
  written(): void;
  fail(errno: number): void;
}
