/**
 * The stable codes. A code exists for each distinct reaction a caller may have; docs/errors.md has a heading for each,
 * with cause and remedy.
 */
export type ErrorCode =
  | "DMMAP_ABORTED"
  | "DMMAP_BAD_FOLDER"
  | "DMMAP_BAD_NAME"
  | "DMMAP_BAD_RANGE"
  | "DMMAP_BAD_URL"
  | "DMMAP_BUSY"
  | "DMMAP_CLOSED"
  | "DMMAP_DENIED"
  | "DMMAP_EXISTS"
  | "DMMAP_FENCED"
  | "DMMAP_INTERNAL"
  | "DMMAP_IO"
  | "DMMAP_LOST"
  | "DMMAP_NO_SPACE"
  | "DMMAP_NOT_FOUND"
  | "DMMAP_PORT_IN_USE"
  | "DMMAP_PROTOCOL"
  | "DMMAP_STALE"
  | "DMMAP_TIMEOUT"
  | "DMMAP_UNREACHABLE"
  | "DMMAP_UNSUPPORTED"
  | "DMMAP_VERSION";

interface ErrorFacts {
  readonly cause?: unknown;
  readonly errno?: number | undefined;
  readonly remedy?: string | undefined;
}

/** What the environment, or the other side, made impossible. The caller's own mistakes are TypeError and RangeError. */
export class DmmapError extends Error {
  override readonly name = "DmmapError";
  readonly code: ErrorCode;
  /** Linux's number for it, where the system, here or at the home, gave one. */
  declare readonly errno: number | undefined;
  /** What to try, where that is known better than by the code: a command, or a short sentence. */
  declare readonly remedy: string | undefined;

  constructor(code: ErrorCode, message: string, options?: ErrorFacts) {
    super(message, options);
    this.code = code;
    // What is not known is no property: it would be printed with each error that nobody catches.
    if (options?.errno !== undefined) this.errno = options.errno;
    if (options?.remedy !== undefined) this.remedy = options.remedy;
  }
}
